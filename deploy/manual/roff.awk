# What both kinds of page share.

# Text as roff takes it for itself.
function plain(text) {
  gsub(/\\/, "\\e", text)
  gsub(/-/, "\\-", text)
  gsub(/~/, "\\(ti", text)
  gsub(/\^/, "\\(ha", text)
  gsub(/`/, "\\(ga", text)
  gsub(/'/, "\\(aq", text)
  gsub(/"/, "\\(dq", text)
  sub(/^\./, "\\\\\\&.", text)
  return text
}
function head(section) {
  printf ".TH %s %s \"%s\" \"%s\" \"Home battery\"\n", toupper(name), section, date, version
}
function section(title) { print ".SH " title }
# A heading of its own with what belongs to it behind.
function entry(title, text) { printf ".TP\n.B %s\n%s\n", plain(title), plain(text) }
function see_also(pages) {
  section("SEE ALSO")
  print pages
  print ".PP"
  print plain("The documents in /usr/share/doc/esshub/docs.")
}
