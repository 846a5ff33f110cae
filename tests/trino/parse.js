// Parses statements of Trino's SQL: on standard input, separated by a NUL byte. The exit code is 1 if one is refused.
//
// Usage: node parse.js NODE_MODULES
//
// The grammar has no UNLOAD and no CREATE EXTERNAL TABLE: give it the SELECT inside.

const fs = require('node:fs');
const module_ = require('node:module');
const path = require('node:path');
const url = require('node:url');

// The package is written for bundlers: it imports folders, and files without their ending.
module_.registerHooks({
  resolve(specifier, context, next) {
    let failure;
    for (const ending of ['', '.js', '/index.js']) {
      try {
        return next(specifier + ending, context);
      } catch (error) {
        failure ??= error;
      }
    }
    throw failure;
  },
});

async function main() {
  const folder = path.resolve(process.argv[2], 'dt-sql-parser', 'dist');
  const parser = url.pathToFileURL(path.join(folder, 'parser', 'trino', 'index.js'));
  const { TrinoSQL } = await import(parser);
  const trino = new TrinoSQL();
  let refused = 0;
  for (const sql of fs.readFileSync(0, 'utf8').split('\0')) {
    if (!sql.trim()) continue;
    for (const error of trino.validate(sql)) {
      refused += 1;
      console.error(`line ${error.startLine}:${error.startColumn}: ${error.message}\n  ${sql.slice(0, 500)}`);
    }
  }
  process.exitCode = refused ? 1 : 0;
}

main();
