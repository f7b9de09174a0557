// What eslint asks of the page and of its test; the stage "lint" of .ci tells it where its packages are.
const js = require("@eslint/js");
const globals = require("globals");

module.exports = [
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    // { left, out, ...rest } is how an object without left and out is written.
    rules: { "no-unused-vars": ["error", { ignoreRestSiblings: true }] },
  },
  {
    files: ["publish/web/page/*.js"],
    languageOptions: { sourceType: "module", globals: globals.browser },
  },
  {
    files: ["tests/**/*.js"],
    languageOptions: { sourceType: "commonjs", globals: globals.node },
  },
  // Functions in it run in the browser, by page.evaluate().
  { files: ["tests/system/page/*_test.js"], languageOptions: { globals: globals.browser } },
];
