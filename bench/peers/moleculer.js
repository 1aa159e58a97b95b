/*
 * Moleculer itself, as its documentation starts it. Speaks the same command line, plan and answers as the Python
 * contenders: see closed_loop.py and answers.py.
 */

"use strict";

const { Readable } = require("stream");
const { ServiceBroker } = require("moleculer");

const LARGE = "x".repeat(1_000_000);
const SLOW_MILLISECONDS = 50;
const CHUNK = Buffer.alloc(62_500, "x");
const CHUNKS = 1_600;

const [role, url, plan] = process.argv.slice(2);
const broker = new ServiceBroker({ nodeID: `${role}-${process.pid}`, transporter: url, logger: false });

async function say(context) {
	const { text } = context.params;
	if (text === "large") return { text: LARGE };
	if (text === "slow") await new Promise(done => setTimeout(done, SLOW_MILLISECONDS));
	return { text };
}

function* chunks() {
	for (let number = 0; number < CHUNKS; number++) yield CHUNK;
}

async function ask(text) {
	if (text !== "stream") return (await broker.call("echo.say", { text })).text.length;
	let bytes = 0;
	for await (const chunk of await broker.call("echo.pour")) bytes += chunk.length;
	return bytes;
}

function answerBytes(text) {
	return { large: LARGE.length, stream: CHUNK.length * CHUNKS }[text] ?? text.length;
}

async function repeat(text, endAt, latencies) {
	const expected = answerBytes(text);
	for (let askedAt = performance.now(); askedAt < endAt; askedAt = performance.now()) {
		if ((await ask(text)) !== expected) throw new Error(`a wrong answer to ${text}`);
		latencies.push(performance.now() - askedAt);
	}
}

function quantile(ordered, share) {
	return ordered[Math.min(ordered.length - 1, Math.floor(ordered.length * share))];
}

async function measure({ case: name, text, in_flight, slow_beside, seconds }) {
	const latencies = [];
	const beganAt = performance.now();
	const endAt = beganAt + seconds * 1000;
	const beside = Array.from({ length: slow_beside }, () => repeat("slow", endAt, []));
	await Promise.all(Array.from({ length: in_flight }, () => repeat(text, endAt, latencies)));
	const tookSeconds = (performance.now() - beganAt) / 1000;
	await Promise.all(beside);
	latencies.sort((one, other) => one - other);
	return {
		case: name,
		requests_per_second: latencies.length / tookSeconds,
		p50_milliseconds: quantile(latencies, 0.5),
		p99_milliseconds: quantile(latencies, 0.99),
	};
}

async function serve() {
	const pour = () => Readable.from(chunks(), { objectMode: false });
	broker.createService({ name: "echo", actions: { pour, say: { params: { text: "string" }, handler: say } } });
	await broker.start();
	console.log("ready");
}

async function drive() {
	await broker.start();
	await broker.waitForServices("echo");
	for (const phase of JSON.parse(plan)) {
		console.log(JSON.stringify(await measure(phase)));
	}
}

process.stdin.on("end", () => process.exit(0));
process.stdin.resume();

(role === "callee" ? serve() : drive()).catch(error => {
	console.error(error);
	process.exit(1);
});
