/** Servers and tools of operators that Debian has. Their services are never started: tests run the programs themselves, each with its own configuration. */
import { commandPath, installCommands } from '../../apt.mjs';

/** By the name that `scripts/provision.mjs` knows them by. */
export const aptTools = {
  nginx: { command: 'nginx', aptPackage: 'nginx', services: ['nginx'], hint: 'a proxy of the tests' },
  haproxy: { command: 'haproxy', aptPackage: 'haproxy', services: ['haproxy'], hint: 'a proxy of the tests' },
  prometheus: { command: 'prometheus', aptPackage: 'prometheus', services: ['prometheus'], hint: 'it scrapes nodes in the tests' },
  promtool: { command: 'promtool', aptPackage: 'prometheus', services: ['prometheus'], hint: 'it checks rules and expressions' },
  alertmanager: {
    command: 'prometheus-alertmanager',
    aptPackage: 'prometheus-alertmanager',
    services: ['prometheus-alertmanager'],
    hint: 'it routes alerts in the tests',
  },
  amtool: {
    command: 'amtool',
    aptPackage: 'prometheus-alertmanager',
    services: ['prometheus-alertmanager'],
    hint: 'it checks the configuration of Alertmanager',
  },
};

/** Makes sure of all of them by one call of apt-get, or of the named ones; returns one sentence for each that could not be had. */
export function installAptTools(names = Object.keys(aptTools)) {
  return installCommands(names.map((name) => aptTools[name]));
}

/** Whether there is a tool of this name here. */
export const isAptTool = (name) => name in aptTools;

/** The path of nginx. */
export const provideNginx = () => provide('nginx');
/** The path of HAProxy. */
export const provideHaproxy = () => provide('haproxy');
/** The path of Prometheus. */
export const providePrometheus = () => provide('prometheus');
/** The path of promtool. */
export const providePromtool = () => provide('promtool');
/** The path of Alertmanager. */
export const provideAlertmanager = () => provide('alertmanager');
/** The path of amtool. */
export const provideAmtool = () => provide('amtool');

async function provide(name) {
  const [problem] = await installAptTools([name]);
  if (problem) throw new Error(problem);
  return commandPath(aptTools[name].command);
}
