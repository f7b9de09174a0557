# The page of the configuration file, from `esshub check --example`, which is written from the tables of settings: each
# line "key = value  # sentence", sentences go on in lines that have nothing else; examples are comments.
BEGIN {
  head(5)
  section("NAME")
  print plain(name) " \\- the configuration of esshub"
  section("SYNOPSIS")
  print ".I /etc/esshub/esshub.toml"
  section("DESCRIPTION")
}

function flush() {
  if (heading) section(plain(key))
  else if (key != "") {
    entry(key, sentence)
    sentence = ""
  }
  if (sentence != "") print ".PP\n" plain(sentence)
  key = sentence = ""
  heading = 0
}
function more(text) { sentence = sentence (sentence == "" ? "" : " ") text }

# Splits off the comment behind a value; a # in a string does not occur.
function value_and_sentence(text,   at) {
  at = index(text, "# ")
  sentence = at ? substr(text, at + 2) : ""
  key = at ? substr(text, 1, at - 1) : text
  sub(/ +$/, "", key)
}

# The file's own name for itself, and rules between its parts.
/^# The configuration of esshub:/ || /^# ----/ { next }
/^$/ || /^#$/ { flush(); next }
# A sentence goes on.
/^#? +# / && key != "" { sub(/^#? +# /, ""); more($0); next }
# A section, or an entry of a list, also as an example.
/^(# )?\[+[a-z.]+\]+/ {
  flush()
  example = sub(/^# /, "")
  value_and_sentence($0)
  if (example) key = key " (example)"
  heading = 1
  next
}
# A setting, also as an example of one that has no default: nothing but its value, unlike "key = " in a sentence.
/^(# )?[a-z_]+ = ("[^"]*"|[-0-9.]+|true|false|[\[{].*)( +# .*)?$/ {
  flush()
  example = sub(/^# /, "")
  value_and_sentence($0)
  if (key ~ /\[$/) {  # a list over several lines
    print ".PP\n.nf\n" plain(key)
    while ((getline following) > 0) {
      print plain(following)
      if (following ~ /^\]/) break
    }
    print ".fi"
    key = ""
  } else if (example)
    key = key " (example)"
  next
}
# Text between settings.
/^# / { if (key != "") flush(); sub(/^# +/, ""); more($0); next }
{ flush(); print ".PP\n" plain($0) }

END {
  flush()
  section("FILES")
  entry("/etc/esshub/esshub.toml", "What is read where no file is given.")
  see_also(".BR esshub (1)")
}
