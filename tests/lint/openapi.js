// Lints the description of the REST interface by Redocly's strict rules: NODE_PATH=PACKAGES node openapi.js FILE
const path = require("node:path");
const { pathToFileURL } = require("node:url");

async function main(file) {
  // An ES module: NODE_PATH alone does not find it.
  const core = require.resolve("@redocly/openapi-core");
  const { createConfig, lint } = await import(pathToFileURL(core));
  const config = await createConfig({ extends: ["recommended-strict"] });
  const problems = await lint({ ref: path.resolve(file), config });
  for (const { ruleId, message, location } of problems)
    console.error(`${file}${location?.[0]?.pointer ?? ""}: ${message} (${ruleId})`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}
main(process.argv[2]);
