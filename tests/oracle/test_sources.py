"""The rules of rules/sources.py: each kept once and broken once."""

import unittest

from story import Story, moving


class Calm(unittest.TestCase):
    def test_a_calm_house_breaks_nothing(self):
        self.assertEqual(moving().run(30).broken(), [])


class F1(unittest.TestCase):
    def silent(self, rests_after_s):
        s = moving()
        s.streams.discard("meter")
        end = s.inject("line.off", "meters")
        s.run(rests_after_s)
        s.fault("grid_meter_lost")
        s.ramp(0, 1)
        s.run(10)
        end()
        return s

    def test_rests_after_3_s_and_until_five_good_samples(self):
        s = self.silent(3.1)
        s.streams.add("meter")
        s.run(2)
        s.fault("grid_meter_lost", False)
        s.ramp(-1000)
        verdict = s.judged()
        self.assertEqual(verdict.rules(), set())
        self.assertGreater(verdict.armed["F1"], 10)

    def test_a_battery_that_goes_on_is_found(self):
        self.assertIn("F1", self.silent(6).broken())
        self.assertIn("I3", self.silent(6).broken())

    def test_a_setpoint_that_is_only_held_is_found(self):
        s = moving()
        s.streams -= {"meter", "setpoint"}
        s.inject("line.off", "meters")
        s.run(3.2)
        s.fault("grid_meter_lost")
        s.run(9)
        self.assertEqual(s.broken(), ["F1", "I3"])

    def test_before_the_fifth_good_sample_is_too_early(self):
        s = self.silent(3.1)
        s.streams.add("meter")
        s.run(0.7)
        s.command(-300)
        self.assertEqual(s.broken(), ["F1"])


class F2(unittest.TestCase):
    def frozen(self, rests_after_s):
        s = moving()
        s.frozen = True
        s.inject("line.stuck", "meters")
        s.run(10.2)
        s.fault("grid_meter_frozen")
        s.run(rests_after_s - 10.2)
        s.ramp(0, 1)
        return s.run(10)

    def test_rests_after_10_s(self):
        self.assertEqual(self.frozen(10.2).broken(), [])

    def test_and_until_five_good_samples(self):
        for again_s, broken in ((1.2, []), (0.6, ["F2"])):
            s = moving()
            s.frozen = True
            end = s.inject("line.stuck", "meters")
            s.run(10.2)
            s.fault("grid_meter_frozen")
            s.ramp(0, 1)
            s.run(5)
            end()
            s.frozen = False
            s.streams.discard("setpoint")
            s.run(again_s)
            s.fault("grid_meter_frozen", False)
            s.command(-300)
            self.assertEqual(s.broken(), broken)

    def test_a_battery_that_goes_on_is_found(self):
        self.assertIn("F2", self.frozen(14).broken())

    def test_a_part_that_was_started_anew_has_seen_nothing_repeat_itself(self):
        for part, broken in (("bus.meters", []), ("bus.battery", ["F2"])):
            s = moving()
            s.frozen = True
            s.inject("line.stuck", "meters")
            s.run(5)
            for what in ("died", "restarted"):
                s.put("process", what=what, part=part)
            s.run(8)
            s.fault("grid_meter_frozen")
            self.assertEqual(s.broken(), broken)


class F3(unittest.TestCase):
    def test_no_good_sample_is_none(self):
        for told, broken in ((True, ["F1", "I3"]), (False, ["F1", "F3", "I3"])):
            s = moving()
            s.inject("line.noise", "meters", pct=1)
            s.streams.discard("meter")
            for i in range(50):
                s.put("meter", unit=1, start=12, values=["nan", 0, 0], grid_w="nan")
                if told and not i:
                    s.fault("implausible_reading")
                if i == 31:
                    s.fault("grid_meter_lost")
                s.run(0.1)
            s.ramp(0, 1).run(2)
            self.assertEqual(s.broken(), broken)


class F4(unittest.TestCase):
    def lost(self, rests_after_s, key="351", returns_s=5.2):
        s = moving()
        frame = s.frames.pop(key)
        s.inject("line.late", "battery", delay_s=9)
        s.run(rests_after_s)
        s.fault("bms_lost")
        s.battery = 0
        s.run(10)
        s.frames[key] = frame
        s.run(1)
        s.run(returns_s)
        s.fault("bms_lost", False)
        return s.ramp(-500)

    def test_rests_after_3_s_and_5_s_more(self):
        for key in ("351", "355", "356", "359", "35C"):
            self.assertEqual(self.lost(2.3, key).broken(), [], key)

    def test_a_battery_that_goes_on_is_found(self):
        for key in ("351", "355", "356", "359"):
            self.assertIn("F4", self.lost(4.2, key).broken(), key)

    def test_a_return_before_5_s_is_found(self):
        self.assertEqual(self.lost(2.3, returns_s=1).broken(), ["F4"])


class F23(unittest.TestCase):
    def doubted(self, rests, told=True):
        s = moving()
        end = s.inject("bms.soc", soc_pct=130)
        s.frame("355", soc_pct=130)
        if told:
            s.fault("bms_implausible")
        if rests:
            s.battery = 0
        s.run(5)
        end()
        s.frame("355", soc_pct=60)
        s.run(5.2)
        s.fault("bms_implausible", False)
        return s.run(5)

    def test_rests_at_once(self):
        self.assertEqual(self.doubted(True).broken(), [])

    def test_a_battery_that_goes_on_is_found(self):
        self.assertEqual(self.doubted(False).broken(), ["F23"])

    def test_must_be_told(self):
        self.assertEqual(self.doubted(True, False).broken(), ["F23"])


class F6(unittest.TestCase):
    def silent(self, writes):
        s = moving()
        s.inject("line.drop", "inverter", pct=50)
        s.streams.discard("mk3")
        s.run(3)
        s.fault("inverter_lost")
        if not writes:
            s.streams.discard("setpoint")
            s.put("hub", claim="decision", mode="release", ac_w=0, bat_w=0)
        return s.run(10)

    def test_nothing_is_written_to_who_does_not_answer(self):
        self.assertEqual(self.silent(False).broken(), [])

    def test_a_setpoint_to_who_does_not_answer_is_found(self):
        breaches = [str(breach) for breach in self.silent(True).judged().breaches]
        self.assertTrue(
            [text for text in breaches if text.startswith("F6") and "a setpoint of" in text]
        )

    def test_but_the_first_word_after_a_stall(self):
        for battery, broken in ((0, False), (-1000, True)):
            s = moving()
            s.streams = {"truth"}
            end = s.inject("control.stall")
            s.run(9)
            end()
            s.fault("inverter_lost")
            s.run(0.1)
            s.command(battery)
            self.assertEqual("F6" in s.broken(), broken)


class F12(unittest.TestCase):
    def test_only_watches_until_all_is_heard(self):
        for stream in ("meter", "bms", "mk3"):
            s = Story()
            s.streams.discard(stream)
            s.run(2)
            self.assertIn("F12", s.broken(), stream)

    def test_both_directions_are_blocked_for_10_s(self):
        for what in ("started", "restarted"):
            for battery, broken in ((0, []), (-300, ["I12"])):
                s = moving(0)
                if what == "started":
                    s.put("process", what="killed")
                    s.streams.discard("setpoint")
                    s.run(5)
                s.put("process", what=what, part="control")
                s.streams.discard("setpoint")
                s.run(3)
                s.streams.add("setpoint")
                s.run(3)
                s.ramp(battery, 1)
                s.run(3)
                self.assertEqual(s.broken(), broken, what)

    def test_a_word_of_the_control_before_lives_300_ms(self):
        for what, seconds, broken in (
            ("restarted", 0.2, []),
            ("restarted", 0.6, ["I12"]),
            ("started", 0.2, ["I12"]),
        ):
            s = moving(-300)
            if what == "started":
                s.put("process", what="killed")
            s.put("process", what=what, part="control")
            s.streams.discard("setpoint")
            s.run(seconds)
            s.command(-300, decided=False)
            s.ramp(0, 1)
            s.run(3)
            self.assertEqual(s.broken(), broken, (what, seconds))


class F29(unittest.TestCase):
    def flooded(self, rests, told=True):
        s = moving()
        s.inject("line.flood", "meters")
        s.run(0.9)
        if told:
            s.fault("line_flooded")
        s.run(3)
        if rests:
            s.ramp(0, 1)
        return s.run(10)

    def test_what_it_brings_is_not_current(self):
        self.assertEqual(self.flooded(True).broken(), [])

    def test_a_battery_that_goes_on_is_found(self):
        self.assertEqual(self.flooded(False).broken(), ["F29"])

    def test_must_be_told(self):
        self.assertEqual(self.flooded(True, False).broken(), ["F29"])


if __name__ == "__main__":
    unittest.main()
