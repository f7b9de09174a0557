"""Home Assistant's rules for MQTT discovery, as its documentation has them: what is wrong with a device.

https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery and the pages of sensor.mqtt,
binary_sensor.mqtt, number.mqtt, select.mqtt, switch.mqtt and button.mqtt; device classes, units and state
classes of https://developers.home-assistant.io/docs/core/entity/sensor/. Written for this hub's test:
platforms and device classes that it does not use are not known here.
"""
import datetime
import re

ENTITY = {
    "platform",
    "unique_id",
    "name",
    "availability",
    "availability_mode",
    "device_class",
    "entity_category",
}
# Platform: keys that must be there, keys that may.
PLATFORMS = {
    "sensor": (
        {"state_topic"},
        {"expire_after", "state_class", "unit_of_measurement", "options"},
    ),
    "binary_sensor": ({"state_topic"}, {"expire_after"}),
    "number": (
        {"command_topic"},
        {"state_topic", "min", "max", "step", "mode", "unit_of_measurement", "optimistic"},
    ),
    "select": ({"command_topic", "options"}, {"state_topic", "optimistic"}),
    "switch": ({"command_topic"}, {"state_topic", "optimistic"}),
    "button": ({"command_topic"}, set()),
}
# Device class of a sensor: its units, its state classes. None: there must be none.
SENSORS = {
    "battery": ({"%"}, {"measurement"}),
    "current": ({"A", "mA"}, {"measurement"}),
    "duration": ({"d", "h", "min", "s", "ms"}, {"measurement", "total", "total_increasing"}),
    "energy": ({"Wh", "kWh", "MWh"}, {"total", "total_increasing"}),
    "enum": (None, None),
    "frequency": ({"Hz", "kHz"}, {"measurement"}),
    "monetary": (r"[A-Z]{3}$", {"total"}),
    "power": ({"W", "kW"}, {"measurement"}),
    "temperature": ({"°C", "°F", "K"}, {"measurement"}),
    "timestamp": (None, None),
    "voltage": ({"V", "mV"}, {"measurement"}),
}
BINARY = {"connectivity", "power", "problem"}
LONGEST_STATE = 255
UNKNOWN = "None"  # the payload that makes any entity unknown


def complaints(topic, config, states):
    """Of a device's discovery message, sent to `topic`, and of its states {topic: payload}: texts."""
    found = []
    if not re.fullmatch(r"[^/+#]+/device/[a-zA-Z0-9_-]+/config", topic):
        found.append(f"{topic}: not <prefix>/device/<id>/config")
    for key in ("device", "origin", "components"):
        if not isinstance(config.get(key), dict):
            found.append(f"{key} is missing")
    device = config.get("device", {})
    if not device.get("identifiers") and not device.get("connections"):
        found.append("the device has neither identifiers nor connections")
    if not config.get("origin", {}).get("name"):
        found.append("the origin has no name")
    url = device.get("configuration_url")
    if url is not None and not re.match(r"(https?|homeassistant)://[^/]+", url):
        found.append(f"configuration_url {url!r} is no URL")
    unique, names = {}, {}
    for key, component in config.get("components", {}).items():
        if not re.fullmatch(r"[a-zA-Z0-9_-]+", key):
            found.append(f"{key}: not an id")
        if set(component) == {"platform"}:
            continue  # removed
        for kind, seen in (("unique_id", unique), ("name", names)):
            if component.get(kind) in seen:
                found.append(f"{key}: {kind} as of {seen[component.get(kind)]}")
            seen[component.get(kind)] = key
        found += [f"{key}: {text}" for text in of_component(component)]
        state = states.get(component.get("state_topic"))
        if state is not None:
            found += [f"{key}: state {state!r}: {text}" for text in of_state(component, state)]
    return found


def of_component(component):
    platform = component.get("platform")
    if platform not in PLATFORMS:
        yield f"platform {platform!r} is not known"
        return
    must, may = PLATFORMS[platform]
    keys = set(component)
    for key in sorted({"unique_id", *must} - keys):
        yield f"{key} is missing"
    for key in sorted(keys - ENTITY - must - may):
        yield f"a {platform} has no {key}"
    category = component.get("entity_category")
    if category is not None and category not in ("config", "diagnostic"):
        yield f"entity_category {category!r}"
    if category == "config" and platform in ("sensor", "binary_sensor"):
        yield "what only shows something cannot be of the category config"
    if component.get("availability_mode", "latest") not in ("all", "any", "latest"):
        yield f"availability_mode {component['availability_mode']!r}"
    if not all(entry.get("topic") for entry in component.get("availability", [])):
        yield "an availability without a topic"
    expires = component.get("expire_after", 1)
    if not isinstance(expires, int) or expires <= 0:
        yield f"expire_after {expires!r}"
    yield from {
        "sensor": of_sensor,
        "binary_sensor": of_binary,
        "number": of_number,
        "select": of_select,
    }.get(platform, lambda _: [])(component)


def of_sensor(component):
    kind, unit, state_class = (
        component.get(key) for key in ("device_class", "unit_of_measurement", "state_class")
    )
    if state_class not in (None, "measurement", "total", "total_increasing"):
        yield f"state_class {state_class!r}"
    if "options" in component and kind != "enum":
        yield "options without the device class enum"
    if kind is None:
        return
    if kind not in SENSORS:
        yield f"device_class {kind!r} is not known"
        return
    units, classes = SENSORS[kind]
    if units is None and unit is not None:
        yield f"a {kind} has no unit"
    elif isinstance(units, str) and not re.match(units, unit or ""):
        yield f"a {kind} in {unit!r}"
    elif isinstance(units, set) and unit not in units:
        yield f"a {kind} in {unit!r}"
    if state_class is not None and state_class not in (classes or ()):
        yield f"a {kind} with the state class {state_class}"
    if kind == "enum" and not component.get("options"):
        yield "an enum without options"


def of_binary(component):
    if component.get("device_class", "problem") not in BINARY:
        yield f"device_class {component['device_class']!r} is not known"


def of_number(component):
    least, most, step = (component.get(k, d) for k, d in (("min", 1), ("max", 100), ("step", 1)))
    if not least < most:
        yield f"min {least} is not below max {most}"
    if step < 0.001:
        yield f"step {step}"
    if component.get("mode", "auto") not in ("auto", "box", "slider"):
        yield f"mode {component['mode']!r}"


def of_select(component):
    options = component["options"]
    if len(set(options)) != len(options):
        yield "an option twice"
    for option in options:
        if option.lower() == "none":
            yield f"the option {option!r} would be shown as unknown"


def of_state(component, state):
    platform, kind = component["platform"], component.get("device_class")
    if state == UNKNOWN:
        return
    if len(state) > LONGEST_STATE:
        yield "longer than a state may be"
    if platform in ("binary_sensor", "switch") and state not in ("ON", "OFF"):
        yield "neither ON nor OFF"
    if platform in ("select", "sensor") and state not in component.get("options", [state]):
        yield "none of the options"
    numeric = platform == "number" or (
        platform == "sensor" and ("unit_of_measurement" in component or "state_class" in component)
    )
    if numeric:
        try:
            value = float(state)
        except ValueError:
            yield "no number"
            return
        if platform == "number" and not component.get("min", 1) <= value <= component.get(
            "max", 100
        ):
            yield "out of its range"
    if kind == "timestamp":
        try:
            moment = datetime.datetime.fromisoformat(state)
        except ValueError:
            yield "no moment"
            return
        if moment.tzinfo is None:
            yield "a moment without its time zone"
