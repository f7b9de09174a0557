# Bash completion of a program, from the text that `make` collects of its --help: commands, options, and the words that
# an option takes; else names of files.
function add(command, word) { words[command] = words[command] " " word }
/^@ / { command = $3; if (command != "") order[++commands] = command; what = ""; next }
/^[A-Z][a-z]+:$/ { what = $1; next }
/^$/ { what = "" }
what == "Subcommands:" && /^  [a-z]/ { add("", $1) }
what == "Options:" && /^  -/ {
  option = $1
  sub(/^-h,/, "", option)
  add(command, option)
  if (match($2, /\{[a-z0-9,-]+\}/)) {
    set = substr($2, RSTART + 1, RLENGTH - 2)
    gsub(/,/, " ", set)
    sets = sets sprintf("    \"%s %s\") words=\"%s\" ;;\n", command, option, set)
  } else if ($2 ~ /^[A-Z]+([:=]|$)/) {
    takes = takes (takes == "" ? "" : " | ") sprintf("\"%s %s\"", command, option)
  }
}
END {
  f = "_" name
  gsub(/-/, "_", f)
  print "# bash completion of " name
  print f "() {"
  print "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command='' words=''"
  if (commands > 0) {
    print "  local given"
    print "  for given in \"${COMP_WORDS[@]:1:COMP_CWORD - 1}\"; do"
    print "    case $given in -*) ;; *) command=$given; break ;; esac"
    print "  done"
  }
  print "  case \"$command\" in"
  printf "    '') words=\"%s\" ;;\n", substr(words[""], 2)
  for (i = 1; i <= commands; i++) printf "    %s) words=\"%s\" ;;\n", order[i], substr(words[order[i]], 2)
  print "  esac"
  print "  case \"$command $before\" in"
  printf "%s", sets
  if (takes != "") printf "    %s) words='' ;;\n", takes
  print "  esac"
  print "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")"
  print "}"
  print "complete -o default -F " f " " name
}
