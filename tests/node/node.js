/*
 * A real Moleculer node, as its users start one: `node node.js '{"moleculer": "moleculer-4", "broker": {...}}'`.
 *
 * It says "ready" once its services are started and it knows of those it `needs`, and stops gracefully on SIGTERM or
 * when its input ends, so that none outlives the tests.
 */

"use strict";

const settings = JSON.parse(process.argv[2]);
const { ServiceBroker, Errors } = require(settings.moleculer);

const joined = settings.config ? require(settings.config) : {};

const logger = { type: "Console", options: { level: "warn", colors: false } };
const broker = new ServiceBroker({ logger, ...joined, ...settings.broker });

for (const name of settings.services) {
	broker.createService(require(`./services/${name}`)(Errors));
}

async function stop() {
	await broker.stop();
	process.exit(0);
}

process.on("SIGTERM", stop);
process.stdin.on("end", stop);
process.stdin.resume();

async function start() {
	await broker.start();
	await broker.waitForServices(settings.needs ?? []);
	console.log("ready");
}

start();
