/*
 * Two groups that listen to the same events, and say what they heard.
 */

"use strict";

module.exports = () => ({
	name: "listeners",

	created() {
		this.heard = [];
	},

	events: {
		"greetings.*": {
			group: "listeners",
			handler(ctx) {
				this.keep("listeners", ctx);
			}
		},
		"greetings.greeted": {
			group: "archive",
			handler(ctx) {
				this.keep("archive", ctx);
			}
		}
	},

	actions: {
		heard() {
			return this.heard;
		}
	},

	methods: {
		keep(group, ctx) {
			this.heard.push({
				group,
				event: ctx.eventName,
				data: ctx.params,
				kind: ctx.eventType,
				groups: ctx.eventGroups ?? null,
				meta: ctx.meta,
				headers: ctx.headers ?? null,
				level: ctx.level,
				requestID: ctx.requestID ?? null,
				parentID: ctx.parentID ?? null,
				caller: ctx.caller ?? null,
				sender: ctx.nodeID
			});
		}
	}
});
