// The handler with version 3 of the SDK, which Lambda's Node 20 runtime includes.
"use strict";
const { CloudWatchClient, PutMetricDataCommand } = require("@aws-sdk/client-cloudwatch");
const { batches, NAMESPACE } = require("./count");

const client = new CloudWatchClient({});

exports.handler = async (event) => {
  const requests = (await batches(event)).map((MetricData) => ({ Namespace: NAMESPACE, MetricData }));
  await Promise.all(requests.map((request) => client.send(new PutMetricDataCommand(request))));
  return `${requests.length} requests`;
};
