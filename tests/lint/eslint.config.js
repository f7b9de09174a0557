// What eslint asks of the page and of its test; the stage "lint" of .ci tells it where its packages are.
const compat = require("eslint-plugin-compat");
const esx = require("eslint-plugin-es-x");
const js = require("@eslint/js");
const globals = require("globals");

module.exports = [
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    // { left, out, ...rest } is how an object without left and out is written.
    rules: { "no-unused-vars": ["error", { ignoreRestSiblings: true }] },
  },
  // The browsers that show the page wholly: docs/page.md.
  {
    ...esx.configs["flat/restrict-to-es2020"],
    files: ["publish/web/page/*.js"],
    settings: { "es-x": { aggressive: true } },
  },
  // What these find are methods of arrays of the same names, and members of ours called `at`.
  {
    files: ["publish/web/page/*.js"],
    rules: {
      ...Object.fromEntries(
        Object.keys(esx.rules)
          .filter((name) => /^no-iterator-prototype-|^no-(array|string)-prototype-at$/.test(name))
          .map((name) => [`es-x/${name}`, "off"]),
      ),
      "no-restricted-syntax": [
        "error",
        { selector: "CallExpression[callee.property.name='at']", message: "ES2022" },
      ],
    },
  },
  {
    ...compat.configs["flat/recommended"],
    files: ["publish/web/page/*.js"],
    languageOptions: { sourceType: "module", globals: globals.browser },
    settings: { browsers: ["chrome >= 80", "safari >= 13.1", "firefox >= 78"] },
  },
  // Runs where nothing else does.
  { files: ["publish/web/page/old.js"], languageOptions: { sourceType: "script", ecmaVersion: 5 } },
  {
    files: ["tests/**/*.js"],
    languageOptions: { sourceType: "commonjs", globals: globals.node },
  },
  // Functions in it run in the browser, by page.evaluate().
  { files: ["tests/system/*/*_test.js"], languageOptions: { globals: globals.browser } },
];
