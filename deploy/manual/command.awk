# The page of a program, from the text that `make` collects of its --help. In it an option's words and its sentence stand
# in two columns, the sentence in the next line where the words are too long.
BEGIN {
  indent = "                              "
}
{ line[NR] = $0 }

function is_sentence(text) { return substr(text, 1, 30) == indent && length(text) > 30 }

# The entries from line i on; returns the first line behind them.
function entries(i, whole,   words, text) {
  for (; i <= NR && line[i] ~ /^  /; i++) {
    if (i < NR && is_sentence(line[i + 1])) {
      words = substr(line[i], 3)
      text = substr(line[++i], 31)
    } else {
      words = substr(line[i], 3, 28)
      text = substr(line[i], 31)
    }
    sub(/ +$/, "", words)
    if (whole || words != "-h,--help") entry(words, text)
  }
  return i
}

# A footer keeps its lines. What a command says of exit codes that the program says of all is not said again.
function footer(i,   text) {
  while (i <= NR && line[i] == "") i++
  if (i > NR || line[i] ~ /^@ /) return i
  print ".PP\n.nf"
  for (; i <= NR && line[i] !~ /^@ /; i++)
    if (!(line[i] in said)) {
      print plain(line[i])
      if (tolower(line[i]) ~ /^exit codes:/) said[line[i]] = 1
    }
  print ".fi"
  return i
}

# One help, from the line behind its "@" on. `whole`: the program's, with the headings of a page.
function help(i, whole,   usage, first) {
  first = line[i++]
  sub("^" name ": ", "", first)
  if (whole) {
    section("NAME")
    sub(/\.$/, "", first)
    printf "%s \\- %s\n", plain(name), plain(tolower(substr(first, 1, 1)) substr(first, 2))
    section("SYNOPSIS")
  } else
    print plain(first)
  usage = line[i++]
  sub(/^Usage: /, "", usage)
  if (!whole) print ".PP"
  print ".B " plain(usage)
  while (i <= NR && line[i] !~ /^@ /) {
    if (line[i] == "") i++
    else if (line[i] ~ /^(Positionals|Options):$/) {
      if (whole && line[i] == "Options:") section("OPTIONS")
      i = entries(i + 1, whole)
    } else if (line[i] == "Subcommands:") {
      section("COMMANDS")
      i = entries(i + 1, whole)
    } else {
      if (whole) section("NOTES")
      i = footer(i)
    }
  }
  return i
}

END {
  head(1)
  i = help(2, 1)
  while (i <= NR) {
    if (line[i] ~ /^@ /) print ".SH " toupper(plain(substr(line[i], 3)))
    i = help(i + 1, 0)
  }
  see_also(".BR esshub (1),\n.BR esshub\\-feed (1),\n.BR esshub\\-sim (1),\n.BR esshub.toml (5)")
}
