// Says so where the page's modules do not run: a browser that is too old for them.
addEventListener("load", function () {
  if (!document.documentElement.classList.contains("runs"))
    document.getElementById("old").hidden = false;
});
