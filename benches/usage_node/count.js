// Reimplements the predecessor's rule: calls per [eventTime, eventName, awsRegion, eventSource], a missing field is
// "-", 20 metrics per request, all requests in flight at once.
//
// Omits its random wait of up to 3 s before each request, which would only make it look slower.
"use strict";
const zlib = require("node:zlib");
const { promisify } = require("node:util");

const gunzip = promisify(zlib.gunzip);
const BATCH = 20;

/** Returns the metrics of a delivery in batches for PutMetricData. */
async function batches(event) {
  const delivery = JSON.parse((await gunzip(Buffer.from(event.awslogs.data, "base64"))).toString("utf8"));
  if (delivery.messageType === "CONTROL_MESSAGE") {
    return [];
  }
  const counts = new Map();
  for (const { message } of delivery.logEvents) {
    const { eventTime = "-", eventName = "-", awsRegion = "-", eventSource = "-" } = JSON.parse(message);
    const key = JSON.stringify([eventTime, eventName, awsRegion, eventSource]);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const data = Array.from(counts, ([key, count]) => {
    const [eventTime, eventName, awsRegion, eventSource] = JSON.parse(key);
    return {
      MetricName: eventName,
      Dimensions: [
        { Name: "awsRegion", Value: awsRegion },
        { Name: "eventSource", Value: eventSource },
      ],
      Timestamp: new Date(eventTime),
      Value: count,
    };
  });
  const result = [];
  for (let at = 0; at < data.length; at += BATCH) {
    result.push(data.slice(at, at + BATCH));
  }
  return result;
}

module.exports = { batches, NAMESPACE: "API-COUNT" };
