"""The rules of rules/limits.py and rules/soc.py: each kept once and broken once."""

import unittest

from story import moving


class F5(unittest.TestCase):
    CAUSES = (
        ("351", {"ccl_a": 0}, {"ccl_a": 50}, True),
        ("351", {"dcl_a": 0}, {"dcl_a": 50}, False),
        ("35C", {"charge_enable": False}, {"charge_enable": True}, True),
        ("35C", {"discharge_enable": False}, {"discharge_enable": True}, False),
        ("359", {"protections": ["high_voltage"]}, {"protections": []}, True),
        ("359", {"protections": ["low_voltage"]}, {"protections": []}, False),
        ("359", {"protections": ["unknown"]}, {"protections": []}, True),
        ("359", {"protections": ["unknown"]}, {"protections": []}, False),
    )

    def stopped(self, cause, stops, again_after_s):
        key, bent, well, charge = cause
        power = 800 if charge else -800
        s = moving(power)
        s.inject("bms.protection", bit=1)
        s.frame(key, **bent)
        if key == "359":
            s.fault("bms_protection")
        if stops:
            s.battery = 0
        s.run(5)
        s.frame(key, **well)
        s.battery = 0
        s.run(again_after_s)
        s.fault("bms_protection", False)
        return s.ramp(power)

    def test_that_direction_stops_at_once_and_for_10_s(self):
        for cause in self.CAUSES:
            verdict = self.stopped(cause, True, 10.1).judged()
            self.assertEqual(verdict.rules(), set(), cause)
            self.assertGreater(verdict.armed["F5"], 10, cause)

    def test_who_goes_on_is_found(self):
        for cause in self.CAUSES:
            self.assertIn("F5", self.stopped(cause, False, 10.1).broken(), cause)

    def test_again_before_10_s_is_found(self):
        for cause in self.CAUSES:
            self.assertEqual(self.stopped(cause, True, 6).broken(), ["F5"], cause)

    def test_the_other_direction_may_go_on(self):
        s = moving(-800)
        s.frame("351", ccl_a=0)
        self.assertEqual(s.run(20).broken(), [])

    def test_who_stands_still_hears_of_what_lasts(self):
        for lasts, broken in ((False, []), (True, ["F5"])):
            s = moving(-600)
            streams, s.streams = s.streams, {"truth"}
            end = s.inject("control.stall")
            s.frame("351", dcl_a=0)
            s.frame("351", dcl_a=0 if lasts else 50)
            s.run(0.2)
            end()
            s.streams = streams
            self.assertEqual("F5" in s.run(3).broken(), bool(broken))

    def test_a_protection_must_be_told(self):
        s = moving(0)
        s.frame("359", protections=["high_voltage"])
        self.assertEqual(s.run(5).broken(), ["F5"])


class F28(unittest.TestCase):
    def cold(self, charge, c, back_c, goes_on):
        power = 800 if charge else -800
        s = moving(power)
        s.inject("bms.temperature", temp_c=c)
        s.frame("356", temp_c=c)
        s.fault("battery_temperature")
        if not goes_on:
            s.battery = 0
        s.run(5)
        s.frame("356", temp_c=back_c)
        s.run(5)
        return s.ramp(power)

    def test_stops_until_2_k_inside(self):
        self.assertEqual(self.cold(True, -0.1, 2, False).broken(), [])
        self.assertEqual(self.cold(True, 50.1, 48, False).broken(), [])
        self.assertEqual(self.cold(False, -10.1, -8, False).broken(), [])
        self.assertEqual(self.cold(False, -5, -5, True).broken(), [])

    def test_who_goes_on_is_found(self):
        self.assertEqual(self.cold(True, -0.1, 2, True).broken(), ["F28"])
        self.assertEqual(self.cold(False, 50.1, 48, True).broken(), ["F28"])

    def test_again_before_2_k_inside_is_found(self):
        self.assertEqual(self.cold(True, -0.1, 1.9, False).broken(), ["F28"])

    def test_a_jump_counts_when_it_is_told_twice(self):
        for times, broken in ((1, []), (2, ["F28"])):
            s = moving(800)
            s.inject("bms.temperature", temp_c=-5)
            for _ in range(times):
                s.frame("356", temp_c=-5)
            s.frames["356"]["temp_c"] = 21
            s.fault("battery_temperature", times == 2)
            self.assertEqual(s.run(5).broken(), broken)


class F27(unittest.TestCase):
    def beyond(self, amperes, rests):
        s = moving(-1500)
        s.inject("inverter.gain", gain=2)
        s.frame("356", a=amperes)
        s.run(6)
        s.fault("bms_limit_exceeded")
        if rests:
            s.battery = 0
        return s.run(10)

    def test_rests_2_s_after_the_ramp(self):
        verdict = self.beyond(-60, True).judged()
        self.assertEqual(verdict.rules(), set())
        self.assertGreater(verdict.armed["F27"], 5)

    def test_who_goes_on_is_found(self):
        self.assertEqual(self.beyond(-60, False).broken(), ["F27"])
        self.assertEqual(self.beyond(-57, False).broken(), [])


class I2(unittest.TestCase):
    def test_no_setpoint_beyond_ccl_or_dcl(self):
        for key, power in (("ccl_a", 1000), ("dcl_a", -1000)):
            for amperes, broken in ((20, []), (18, ["I2"])):
                s = moving(power)
                s.frame("351", **{key: amperes})
                self.assertEqual(s.run(5).broken(), broken)

    def test_a_load_that_a_stuck_inverter_tells_is_not_the_hubs(self):
        for stuck, broken in ((True, []), (False, ["I2"])):
            s = moving(0, slew_w_per_s=5000)
            s.truth(ac_out_w=900)
            s.run(3)
            if stuck:
                s.inject("line.stuck", "inverter")
            s.truth(ac_out_w=50)
            s.run(10)
            s.battery = 2400
            s.run(1)
            rules = [rule for rule in s.broken() if rule == "I2"]
            self.assertEqual(rules, broken)

    def test_nor_beyond_the_configured_limit_and_rating(self):
        self.assertEqual(moving(-1500, discharge_limit_w=1400).broken(), ["I2"])
        self.assertEqual(moving(1500, charge_limit_w=1400).broken(), ["I2"])
        self.assertEqual(moving(-1500, inverter_rating_w=1400).broken(), ["I2"])
        self.assertEqual(moving(1500, charger_current_a=28).broken(), ["I2"])
        self.assertEqual(moving(1500, charger_current_a=30).broken(), [])

    def test_the_contactor_does_not_open(self):
        s = moving(-1000)
        s.truth(contactor=False)
        self.assertEqual(s.broken(), ["I2"])

    def test_i8_no_order_widens_a_limit(self):
        for power, broken in ((-1400, []), (-1500, ["I2", "I8"])):
            s = moving(0, discharge_limit_w=1400)
            s.order("override", action="discharge", power_w=3000, target_pct=20, length_s=600)
            s.ramp(power)
            verdict = s.judged()
            self.assertEqual(sorted(verdict.rules()), broken)
            self.assertGreater(verdict.armed["I8"], 0)


class I1(unittest.TestCase):
    def falls(self, soc, stops=True, back=None):
        s = moving(-1000)
        s.frame("355", soc_pct=soc + 3)
        s.run(11)
        s.frame("355", soc_pct=soc)
        if stops:
            s.battery = 0
        s.run(5)
        if back is not None:
            s.frame("355", soc_pct=back)
            s.ramp(-500)
        return s

    def test_no_discharge_at_the_reserve(self):
        for s in (self.falls(20), self.falls(21, False), self.falls(20, True, 23)):
            s.lines = [line for line in s.lines if "soc_inconsistent" not in line]
            self.assertNotIn("I1", s.broken())

    def test_who_goes_on_is_found(self):
        self.assertIn("I1", self.falls(20, False).broken())

    def test_again_within_the_hysteresis_is_found(self):
        self.assertIn("I1", self.falls(20, True, 22).broken())

    def test_the_reserve_is_the_ordered_one(self):
        s = moving(-1000)
        s.order("reserve", reserve_pct=70)
        self.assertEqual(s.run(3).broken(), ["I1"])

    def test_a_storm_adds_to_it_from_its_begin_to_its_end(self):
        for after_s, broken in ((9, []), (15, ["I1"]), (25, [])):
            s = moving(0)
            s.order("storm", reserve_pct=70, length_s=10, begins_in_s=10, fill=False)
            if after_s > 20:
                s.run(20)
            else:
                s.run(after_s - 4)
            s.ramp(-500, 2)
            s.battery = 0
            self.assertEqual(s.run(3).broken(), broken, after_s)


class F18(unittest.TestCase):
    def rises(self, power, after_s, told=True):
        s = moving(0)
        s.inject("bms.soc", soc_pct=15)
        s.frame("355", soc_pct=15)
        s.fault("soc_inconsistent")
        s.fault("reserve_not_kept")
        s.run(30)
        s.fault("soc_inconsistent", told)
        s.fault("soc_inconsistent", told)
        s.frame("355", soc_pct=60)
        s.run(after_s)
        return s.ramp(power)

    def test_the_lower_word_rules_for_a_minute(self):
        self.assertEqual(self.rises(-900, 59.5).broken(), [])

    def test_a_discharge_before_that_is_found(self):
        self.assertIn("F18", self.rises(-500, 20).broken())

    def test_101_to_105_are_100(self):
        s = moving(0)
        s.run(80)
        s.inject("bms.soc", soc_pct=104)
        for soc in (65, 70, 75, 80, 85, 90, 95, 97, 104):
            s.run(11)
            s.frame("355", soc_pct=soc)
        self.assertEqual(s.run(5).broken(), [])

    def test_must_be_told(self):
        self.assertIn("F18", self.rises(0, 20, False).broken())

    def test_a_word_that_a_flood_brought_is_none(self):
        for flood, broken in ((True, []), (False, ["F18"])):
            s = moving(0)
            end = s.inject("line.flood", "battery")
            if not flood:
                end()
                s.run(15)
            s.run(0.5)
            if flood:
                s.fault("line_flooded")
            s.inject("bms.soc", soc_pct=99)
            s.frame("355", soc_pct=99)
            s.run(2)
            s.frame("355", soc_pct=60)
            if flood:
                end()
                s.fault("line_flooded", False)
            self.assertEqual("F18" in s.run(25).broken(), bool(broken), flood)

    def test_a_rise_of_one_frame_is_told_of_nothing(self):
        for times, broken in ((1, []), (2, ["F18"])):
            s = moving(0)
            s.inject("bms.soc", soc_pct=99)
            for _ in range(times):
                s.frame("355", soc_pct=99)
            s.frames["355"]["soc_pct"] = 60
            self.assertEqual(s.run(5).broken(), broken)


class F24(unittest.TestCase):
    def test_below_the_reserve_is_told(self):
        for soc, told, broken in (
            (19, True, []),
            (19, False, ["F24"]),
            (20, False, []),
            (60, True, ["F24"]),
        ):
            s = moving(0)
            for step in range(60, soc - 1, -1):
                s.run(2)
                s.frame("355", soc_pct=step)
            # The start excuses for a minute.
            s.run(70 - s.t if s.t < 70 else 1)
            if told:
                s.fault("reserve_not_kept")
            self.assertEqual(s.run(8).broken(), broken, soc)

    def test_and_bought_back(self):
        for how, power, ac_out, broken in (
            ("at_once", 500, 50, []),
            ("at_once", 0, 50, ["F24"]),
            ("at_once", 0, 7000, []),
            ("cheap", 0, 50, ["F24"]),
            ("surplus", 0, 50, []),
        ):
            s = moving(0, reserve_recharge=how)
            s.truth(ac_out_w=ac_out)
            for step in range(60, 17, -1):
                s.run(2)
                s.frame("355", soc_pct=step)
            s.fault("reserve_not_kept")
            s.ramp(power)
            self.assertEqual(s.run(65).broken(), broken, how)


if __name__ == "__main__":
    unittest.main()
