// The handler with version 2 of the SDK, as in the predecessor. Loads a single service, as the SDK's users were advised.
"use strict";
const CloudWatch = require("aws-sdk/clients/cloudwatch");
const { batches, NAMESPACE } = require("./count");

// Version 2 does not read this variable.
const client = new CloudWatch({ endpoint: process.env.AWS_ENDPOINT_URL_CLOUDWATCH });

exports.handler = async (event) => {
  const requests = (await batches(event)).map((MetricData) => ({ Namespace: NAMESPACE, MetricData }));
  await Promise.all(requests.map((request) => client.putMetricData(request).promise()));
  return `${requests.length} requests`;
};
