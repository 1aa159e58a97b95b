/*
 * Streams, as this node's generation of Moleculer sends and takes them: beside the params since protocol 5, as the
 * params in protocol 4.
 */

"use strict";

const { createHash } = require("crypto");
const { Readable } = require("stream");

const CHUNK_BYTES = 64 * 1024;

/** Bytes whose values tell their position, in chunks. */
function* bytes(total, chunkBytes = CHUNK_BYTES) {
	for (let at = 0; at < total; at += chunkBytes) {
		const chunk = Buffer.alloc(Math.min(chunkBytes, total - at));
		for (let i = 0; i < chunk.length; i++) chunk[i] = (at + i) % 251;
		yield chunk;
	}
}

function* numbered(count) {
	for (let number = 0; number < count; number++) yield { number };
}

/** Fails after the first chunk. */
function* failing(Errors) {
	yield Buffer.from("first");
	throw new Errors.MoleculerClientError("the disk is full", 409, "CONFLICT");
}

/** Sends one chunk and nothing more. */
function stuck() {
	const stream = new Readable({ read() {} });
	stream.push("first");
	return stream;
}

function source({ total, chunkBytes, count }) {
	if (count != null) return Readable.from(numbered(count), { objectMode: true });
	return Readable.from(bytes(total, chunkBytes), { objectMode: false });
}

/** Reads all of it; says how much there was. */
async function summary(stream) {
	const digest = createHash("sha256");
	const objects = [];
	let length = 0;
	try {
		for await (const chunk of stream) {
			if (Buffer.isBuffer(chunk)) {
				digest.update(chunk);
				length += chunk.length;
			} else objects.push(chunk);
		}
	} catch (error) {
		return { length, objects, error: { name: error.name, message: error.message, code: error.code ?? null } };
	}
	return { length, objects, sha256: digest.digest("hex") };
}

module.exports = Errors => ({
	name: "streams",

	actions: {
		download: ctx => source(ctx.params),

		broken: () => Readable.from(failing(Errors), { objectMode: false }),

		stuck: () => stuck(),

		async upload(ctx) {
			return { ...(await summary(ctx.stream ?? ctx.params)), meta: ctx.meta };
		},

		/** Sends a stream to another's action, and answers what it answers. */
		send(ctx) {
			const stream = source(ctx.params);
			const { action, params } = ctx.params;
			return ctx.broker.PROTOCOL_VERSION === "5"
				? ctx.broker.call(action, params, { stream })
				: ctx.broker.call(action, stream, { meta: params });
		},

		/** Reads the stream that another's action answers with. */
		async receive(ctx) {
			return summary(await ctx.broker.call(ctx.params.action, ctx.params.params));
		}
	}
});
