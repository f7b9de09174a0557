// Where the page's modules do not run, in a browser that is too old for them: one sentence says so, alone.
addEventListener("load", function () {
  if (document.documentElement.classList.contains("runs")) return;
  var words = document.getElementById("old");
  var body = document.body;
  while (body.firstChild) body.removeChild(body.firstChild);
  body.appendChild(words);
  words.hidden = false;
});
