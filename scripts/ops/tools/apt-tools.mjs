/** Servers and tools of operators that Debian has. Their services are never started: tests run the programs themselves, each with its own configuration. */
import { commandPath, installCommands } from '../../apt.mjs';

const tools = {
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
export function installAptTools(names = Object.keys(tools)) {
  return installCommands(names.map((name) => tools[name]));
}

/** Whether there is a tool of this name here. */
export const isAptTool = (name) => name in tools;

/** The path of nginx. */
export const provideNginx = async () => provide('nginx');
/** The path of HAProxy. */
export const provideHaproxy = async () => provide('haproxy');
/** The path of Prometheus. */
export const providePrometheus = async () => provide('prometheus');
/** The path of promtool. */
export const providePromtool = async () => provide('promtool');
/** The path of Alertmanager. */
export const provideAlertmanager = async () => provide('alertmanager');
/** The path of amtool. */
export const provideAmtool = async () => provide('amtool');

function provide(name) {
  const [problem] = installAptTools([name]);
  if (problem) throw new Error(problem);
  return commandPath(tools[name].command);
}
