// The hub as Victron's HTML5 app shows it: the app's own stores and hooks (@victronenergy/mfd-modules), fed
// over WebSocket MQTT. screen.js PORT SECONDS: what the screen shows after so long, as JSON.
const { act, create } = require("react-test-renderer");
const { createElement } = require("react");
const {
  useAcLoads,
  useActiveInValues,
  useActiveSource,
  useMqtt,
  usePvCharger,
  useSystemBatteries,
  useSystemState,
  useVebus,
  useVebusStore,
} = require("@victronenergy/mfd-modules");

const [port, seconds] = process.argv.slice(2).map(Number);
globalThis.IS_REACT_ACT_ENVIRONMENT = true;
// The app runs in a browser; it asks the address of its page for options.
globalThis.location = { href: "http://127.0.0.1/" };
let shown = {};
let booted = false;

function Screen() {
  const mqtt = useMqtt();
  useVebus();
  if (!booted) mqtt.boot("http:", "127.0.0.1", port);
  booted = true;
  shown = {
    connected: mqtt.isConnected,
    portal: mqtt.portalId,
    vebus: useVebusStore().instanceId,
    batteries: useSystemBatteries().batteries,
    state: useSystemState().systemState,
    loads: useAcLoads(),
    input: useActiveInValues(),
    source: useActiveSource(),
    pv: usePvCharger(),
    topics: Object.keys(mqtt.messages),
  };
  return null;
}

let screen;
act(() => {
  screen = create(createElement(Screen));
});
const again = setInterval(() => act(() => screen.update(createElement(Screen))), 250);
setTimeout(() => {
  clearInterval(again);
  process.stdout.write(JSON.stringify(shown), () => process.exit(0));
}, seconds * 1000);
