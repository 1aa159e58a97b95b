/*
 * Moleculer's own command line in a mesh: it reads commands from its input and prints tables.
 */

"use strict";

const settings = JSON.parse(process.argv[2]);
const { ServiceBroker } = require(settings.moleculer);
const repl = require("moleculer-repl");

const broker = new ServiceBroker({ logger: false, ...settings.broker });

broker.start().then(() => repl(broker));
