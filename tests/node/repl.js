/*
 * Moleculer's own command line in a mesh: it reads commands from its input and prints tables.
 */

"use strict";

const { ServiceBroker } = require("moleculer");
const repl = require("moleculer-repl");

const broker = new ServiceBroker({ logger: false, ...JSON.parse(process.argv[2]) });

broker.start().then(() => repl(broker));
