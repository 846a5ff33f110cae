// With version 2 of the SDK, as the predecessor. Only the one service is loaded, as its users were advised to.
"use strict";
const CloudWatch = require("aws-sdk/clients/cloudwatch");
const { batches, NAMESPACE } = require("./count");

// This version does not read the variable by itself.
const client = new CloudWatch({ endpoint: process.env.AWS_ENDPOINT_URL_CLOUDWATCH });

exports.handler = async (event) => {
  const requests = (await batches(event)).map((MetricData) => ({ Namespace: NAMESPACE, MetricData }));
  await Promise.all(requests.map((request) => client.putMetricData(request).promise()));
  return `${requests.length} requests`;
};
