// Asks the vectors of regular expressions of JavaScript's RegExp, compiled as docs/evaluation.md says.
import { readFileSync } from "node:fs";

function compiled(pattern) {
  let out = "";
  let inClass = false;
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at];
    if (char === "\\") {
      out += char + pattern[++at];
      continue;
    }
    if (char === "[") inClass = true;
    else if (char === "]") inClass = false;
    out += char === "." && !inClass ? "[^\\n]" : char;
  }
  return new RegExp(out, "u");
}

const cases = JSON.parse(readFileSync(process.argv[2], "utf8")).accepted;
let asked = 0;
for (const { pattern, matches, misses } of cases) {
  const re = compiled(pattern);
  for (const [texts, want] of [[matches, true], [misses, false]]) {
    for (const text of texts) {
      asked++;
      if (re.test(text) !== want) {
        console.error(`${JSON.stringify(pattern)} of ${JSON.stringify(text)}: not ${want}`);
        process.exitCode = 1;
      }
    }
  }
}
console.log(asked);
