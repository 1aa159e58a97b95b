/*
 * What tests ask of a foreign node: to show what it received, to fail, and to call others as its own users would.
 */

"use strict";

/** What an action sees of the call it serves. */
function seen(ctx) {
	return {
		params: ctx.params,
		meta: ctx.meta,
		headers: ctx.headers,
		level: ctx.level,
		caller: ctx.caller,
		parentID: ctx.parentID,
		requestID: ctx.requestID,
		timeout: ctx.options.timeout,
		sender: ctx.nodeID
	};
}

/** A JSON value; an `undefined` would vanish on the way. */
function plain(error) {
	return {
		name: error.name,
		message: error.message,
		code: error.code,
		type: error.type,
		data: error.data ?? null,
		retryable: error.retryable ?? null,
		nodeID: error.nodeID ?? null
	};
}

async function outcome(promise) {
	try {
		return { data: await promise, meta: promise.ctx ? promise.ctx.meta : {} };
	} catch (error) {
		return { error: plain(error) };
	}
}

module.exports = Errors => ({
	name: "foreign",

	created() {
		this.held = [];
	},

	actions: {
		echo: ctx => seen(ctx),

		mark(ctx) {
			ctx.meta.marked = ctx.broker.nodeID;
			return null;
		},

		nothing() {},

		fail(ctx) {
			const { name, args } = ctx.params;
			throw name === "Error" ? new Error(...args) : new Errors[name](...args);
		},

		validated: { params: { age: { type: "number", min: 18 } }, handler: () => true },

		hidden: { visibility: "protected", handler: () => true },

		/** Waits until it is released. */
		hold(ctx) {
			return new Promise(resolve => this.held.push(() => resolve(ctx.broker.nodeID)));
		},

		holding() {
			return this.held.length;
		},

		release() {
			this.held.splice(0).forEach(release => release());
		},

		/** Calls as a service does: one level deeper in the same chain. */
		call: ctx => outcome(ctx.call(ctx.params.action, ctx.params.params, ctx.params.options)),

		/** Calls as an application does: a chain of its own. */
		begin: ctx => outcome(ctx.broker.call(ctx.params.action, ctx.params.params, ctx.params.options)),

		emit: ctx => ctx.broker.emit(ctx.params.event, ctx.params.data, ctx.params.options).then(() => null),

		broadcast: ctx => ctx.broker.broadcast(ctx.params.event, ctx.params.data, ctx.params.options).then(() => null),

		ping: ctx => ctx.broker.ping(ctx.params.node)
	}
});
