// Prints the parser's findings on the AsyncAPI document as JSON; the module folder and the document are the arguments.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [modules, document] = process.argv.slice(2);
const { Parser } = createRequire(`${modules}/`)("@asyncapi/parser");
const found = await new Parser().parse(readFileSync(document, "utf8"));
console.log(
  JSON.stringify({
    channels: found.document?.channels().all().map((each) => each.address()) ?? [],
    messages: found.document?.components().messages().all().length ?? 0,
    findings: found.diagnostics.map((each) => ({ severity: each.severity, message: each.message, path: each.path.join(".") })),
  }),
);
