// Runs a handler against Lambda's runtime API: node runtime.js app-v3.js
//
// Replaces the runtime's own client, which is native and only in Lambda's image. Does the minimum of a runtime: one
// persistent connection, one invocation at a time.
"use strict";
const http = require("node:http");
const path = require("node:path");

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function call(method, what, body) {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { "Content-Length": Buffer.byteLength(body) };
    const options = { host, port, agent, method, headers, path: `/2018-06-01/runtime/${what}` };
    const request = http.request(options, (answer) => {
      const pieces = [];
      answer.on("data", (piece) => pieces.push(piece));
      answer.on("end", () => resolve({ headers: answer.headers, body: Buffer.concat(pieces) }));
      answer.on("error", reject);
    });
    request.on("error", reject);
    request.end(body);
  });
}

function described(error) {
  return JSON.stringify({ errorType: error.name, errorMessage: error.message, stackTrace: error.stack?.split("\n") });
}

async function main() {
  let handler;
  try {
    ({ handler } = require(path.resolve(process.argv[2])));
  } catch (error) {
    await call("POST", "init/error", described(error));
    process.exit(1);
  }
  for (;;) {
    const next = await call("GET", "invocation/next");
    const id = next.headers["lambda-runtime-aws-request-id"];
    try {
      const answer = await handler(JSON.parse(next.body.toString()), { awsRequestId: id });
      await call("POST", `invocation/${id}/response`, JSON.stringify(answer) ?? "null");
    } catch (error) {
      await call("POST", `invocation/${id}/error`, described(error));
    }
  }
}

main();
