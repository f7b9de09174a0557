"""The rules of rules/hub.py, rules/island.py and rules/following.py: each kept once and broken once."""

import unittest

from story import moving


class F10(unittest.TestCase):
    def stalled(self, stall_s, battery, rest_s):
        s = moving()
        streams, s.streams = s.streams, {"truth"}
        end = s.inject("control.stall")
        s.run(stall_s)
        end()
        s.streams = streams
        if stall_s > 0.4:
            s.run(0.1)
            s.fault("control_overrun")
        s.battery = battery
        s.run(rest_s)
        s.fault("control_overrun", False)
        return s.ramp(-1000)

    def test_rests_for_6_s_after_a_stall(self):
        verdict = self.stalled(1, 0, 6.2).judged()
        self.assertEqual(verdict.rules(), set())
        self.assertGreater(verdict.armed["F10"], 5)
        self.assertEqual(self.stalled(0.2, -1000, 6.2).broken(), [])

    def test_many_short_ones_count_as_one(self):
        for stall_s, times, broken in (
            (0.2, 6, ["F10"]),
            (0.1, 9, ["F10"]),
            (0.1, 7, []),
        ):
            s = moving(-1000)
            for _ in range(times):
                end = s.inject("control.stall")
                s.streams.discard("setpoint")
                s.run(stall_s)
                end()
                s.streams.add("setpoint")
                s.run(0.5)
            self.assertEqual(s.run(2).broken(), broken, (stall_s, times))

    def test_a_setpoint_of_before_a_short_one_may_be_under_way(self):
        for stall_s, gap_s, broken in ((0.2, 0.0, []), (0.2, 0.6, ["F10"]), (0.5, 0.0, ["F10"])):
            s = moving(-1000)
            s.streams.discard("setpoint")
            for _ in range(4):
                end = s.inject("control.stall")
                s.run(stall_s)
                end()
                s.run(0.5)
            end = s.inject("control.stall")
            s.run(stall_s)
            end()
            s.fault("control_overrun")
            s.run(gap_s + 0.1)
            s.command(-1000, decided=False)
            self.assertEqual("F10" in s.broken(), bool(broken), (stall_s, gap_s))

    def test_who_goes_on_or_returns_before_that_is_found(self):
        self.assertIn("F10", self.stalled(1, -1000, 6.2).broken())
        self.assertIn("F10", self.stalled(1, 0, 3).broken())

    def test_the_setpoint_from_before_it_is_not_left(self):
        for battery, broken in ((-1000, ["F10"]), (0, [])):
            s = moving(battery)
            s.streams = {"truth"}
            end = s.inject("control.stall")
            s.run(1)
            end()
            s.fault("control_overrun")
            s.streams = {"truth", "meter", "bms", "mk3"}
            self.assertEqual(s.run(3).broken(), broken)


class F11(unittest.TestCase):
    def stuck(self, told, rests):
        s = moving()
        s.inject("actor.stuck", "battery")
        s.run(5.5)
        if told:
            s.fault("actor_stuck")
        if rests:
            s.ramp(0, 1)
        return s.run(8)

    def test_a_stuck_bus_means_rest_and_is_told(self):
        self.assertEqual(self.stuck(True, True).broken(), [])
        self.assertEqual(self.stuck(True, False).broken(), ["F11"])
        self.assertEqual(self.stuck(False, True).broken(), ["F11"])

    def test_a_stuck_bus_is_not_counted_while_the_hub_stands_still(self):
        s = moving(0)
        s.streams.discard("setpoint")
        end = s.inject("control.stall")
        s.inject("actor.stuck", "battery")
        s.run(5)
        end()
        s.fault("control_overrun")
        s.run(5)
        s.fault("actor_stuck")
        self.assertEqual(s.run(5).broken(), [])

    def test_the_fourth_death_in_an_hour_holds_the_battery(self):
        for deaths, broken in ((3, []), (4, ["F11"])):
            s = moving()
            for _ in range(deaths):
                s.put("process", what="died", part="bus.battery")
                s.put("process", what="restarted", part="bus.battery")
            self.assertEqual(s.run(5).broken(), broken)

    def test_the_owner_ends_the_hold(self):
        for cleared, broken in ((True, []), (False, ["F11"])):
            s = moving(0)
            for _ in range(4):
                s.put("process", what="died", part="bus.battery")
                s.put("process", what="restarted", part="bus.battery")
            s.fault("actor_stuck")
            s.run(70)
            s.order("acknowledge")
            s.run(0.5)
            if cleared:
                s.fault("actor_stuck", False)
            self.assertEqual(s.run(5).broken(), broken)


class F20(unittest.TestCase):
    def stops(self, battery, after_s):
        s = moving()
        s.put("process", what="stopping")
        s.streams.discard("setpoint")
        s.run(0.3)
        s.command(battery)
        s.run(after_s)
        s.put("process", what="stopped", acknowledged=True)
        return s.broken()

    def test_rest_is_held_and_the_end_comes_within_5_s(self):
        self.assertEqual(self.stops(0, 1), [])
        self.assertEqual(self.stops(-1000, 1), ["F20"])
        self.assertEqual(self.stops(0, 6), ["F20"])

    def test_a_hub_that_never_stops_is_found(self):
        s = moving(0)
        s.put("process", what="stopping")
        self.assertEqual(s.run(6).broken(), ["F20"])


class F8(unittest.TestCase):
    def cut(self, told):
        s = moving()
        s.streams.discard("setpoint")
        s.inject("mains.lost")
        s.truth(mains=False, inv_state="invert_full", grid_w=0, bat_ac_w=-550)
        s.run(1)
        if told:
            s.fault("islanded")
        return s.run(8)

    def test_no_setpoint_without_mains(self):
        self.assertEqual(self.cut(True).broken(), [])

    def test_a_setpoint_is_found(self):
        s = self.cut(True)
        s.put("setpoint", w=50)
        self.assertEqual(s.broken(), ["F8"])

    def test_an_inverter_that_answers_with_what_was_tells_of_mains(self):
        s = moving()
        s.inject("line.stuck", "inverter")
        s.run(1)
        s.streams.discard("setpoint")
        s.truth(mains=False, inv_state="invert_full", grid_w=0, bat_ac_w=-550)
        s.fault("islanded")
        s.run(6)
        s.put("setpoint", w=50)
        self.assertNotIn("F8", s.broken())

    def test_must_be_told(self):
        self.assertEqual(self.cut(False).broken(), ["F8"])


class F9(unittest.TestCase):
    def dark(
        self,
        soc=60,
        volts=50,
        off_after_s=11,
        on_after_s=None,
        restarted=False,
        owner=False,
        mains=False,
    ):
        s = moving(0, cutoff_soc_pct=8)
        s.run(20)
        s.inject("mains.lost")
        s.truth(mains=False, inv_state="invert_full", grid_w=0)
        s.streams.discard("setpoint")
        s.inject("bms.soc", soc_pct=soc)
        s.frames["355"]["soc_pct"] = soc
        s.frames["356"]["v"] = volts
        s.run(0.5)
        s.fault("islanded")
        s.fault("soc_inconsistent")
        s.run(off_after_s)
        s.truth(switch="off", inv_state="off")
        s.fault("backup_cutoff")
        s.run(5)
        if restarted:
            s.put("process", what="killed")
            s.put("process", what="started")
        if owner:
            s.order("acknowledge")
        if mains:
            s.truth(mains=True)
        if on_after_s is not None:
            s.run(on_after_s)
            s.truth(switch="on")
        return s.broken()

    def test_off_at_the_cutoff_soc_or_voltage(self):
        self.assertEqual(self.dark(soc=8), [])
        self.assertEqual(self.dark(volts=46), [])

    def test_off_without_a_cause_is_found(self):
        self.assertEqual(self.dark(soc=9), ["F9"])
        self.assertEqual(self.dark(volts=47), ["F9"])

    def test_off_before_10_s_is_found(self):
        self.assertEqual(self.dark(soc=8, off_after_s=5), ["F9"])

    def test_not_off_is_found(self):
        self.assertEqual(self.dark(soc=8, off_after_s=16), ["F9"])
        self.assertEqual(self.dark(volts=46, off_after_s=16), ["F9"])

    def test_it_is_announced(self):
        for announced, broken in ((True, []), (False, ["F9"])):
            s = moving(0, cutoff_soc_pct=8, reserve_pct=8, soc_floor_pct=5)
            for soc in range(60, 13, -1):
                s.frame("355", soc_pct=soc)
                s.run(2)
            s.inject("mains.lost")
            s.truth(mains=False, inv_state="invert_full", grid_w=0)
            s.streams.discard("setpoint")
            s.run(1)
            s.fault("islanded")
            if announced:
                s.fault("cutoff_near")
            for soc in range(13, 7, -1):
                s.run(12)
                s.frame("355", soc_pct=soc)
            s.truth(switch="off", inv_state="off")
            self.assertEqual(s.broken(), broken)

    def test_it_is_latched(self):
        self.assertEqual(self.dark(soc=8, on_after_s=5), ["F9"])
        self.assertEqual(self.dark(soc=8, on_after_s=5, owner=True), [])
        self.assertEqual(self.dark(soc=8, on_after_s=5, mains=True), [])

    def test_i12_also_across_a_restart(self):
        self.assertEqual(self.dark(soc=8, on_after_s=5, restarted=True), ["I12"])
        self.assertEqual(self.dark(soc=8, on_after_s=5, restarted=True, owner=True), [])

    def test_i12_the_owners_word_switches_it_on(self):
        self.assertEqual(self.dark(soc=8, on_after_s=30, owner=True), ["I12"])
        self.assertEqual(self.dark(soc=8, volts=46.2, on_after_s=30, owner=True), [])

    def test_i12_where_there_is_nothing_to_acknowledge_it_is_refused(self):
        s = moving(0)
        s.order("acknowledge")
        self.assertEqual(s.broken(), ["I12"])


class F7(unittest.TestCase):
    def gains(self, does, told, writes):
        s = moving(-600)
        s.inject("inverter.gain", gain=2)
        s.does = does
        s.run(16)
        if told:
            s.fault("setpoint_not_followed")
        s.run(15.5)
        if not writes:
            s.streams.discard("setpoint")
        return s.run(20).broken()

    def test_more_is_told_and_released(self):
        self.assertEqual(self.gains(-1200, True, False), [])
        self.assertEqual(self.gains(-700, False, True), [])

    def test_not_told_or_not_released_is_found(self):
        self.assertEqual(self.gains(-1200, False, False), ["F7"])
        self.assertEqual(self.gains(-1200, True, True), ["F7"])
        self.assertEqual(self.gains(600, False, False), ["F7"])

    def test_told_without_a_cause_is_found(self):
        self.assertEqual(self.gains(-600, True, True), ["F7"])

    def test_f7a_only_where_it_does_less(self):
        for does, broken in ((-200, []), (-600, ["F7a"])):
            s = moving(-600)
            s.does = does
            s.run(17)
            s.fault("inverter_derating")
            self.assertEqual(s.broken(), broken)

    def test_f7a_no_more_is_asked_than_it_does(self):
        for then, broken in ((-600, []), (-1000, ["F7a"]), (1000, [])):
            s = moving(-1000)
            s.inject("inverter.derate", w=300)
            s.does = -300
            s.run(16)
            s.fault("inverter_derating")
            s.battery = -600
            s.run(1)
            if then > 0:
                s.does = 300
                s.ramp(0)
            s.ramp(then)
            self.assertEqual(s.run(2).broken(), broken, then)


class F27(unittest.TestCase):
    def test_a_wrong_word_moves_the_battery_for_3_s(self):
        for seconds, broken in ((2, []), (6, ["F27"])):
            s = moving(-600)
            s.inject("inverter.ac_out_word", error_w=400)
            s.put("hub", claim="decision", mode="follow", ac_w=-550, bat_w=-1000)
            s.run(seconds)
            s.put("hub", claim="decision", mode="follow", ac_w=-550, bat_w=-600)
            self.assertEqual(s.run(1).broken(), broken)


class F6(unittest.TestCase):
    def test_who_does_not_answer_is_not_controlled(self):
        for mode, broken in (("release", []), ("follow", ["F6"])):
            s = moving()
            s.inject("line.off", "inverter")
            s.streams -= {"mk3", "setpoint"}
            s.run(3.2)
            s.fault("inverter_lost")
            s.put("hub", claim="decision", mode=mode, ac_w=-950, bat_w=-1000)
            self.assertEqual(s.run(5).broken(), broken)


class I5(unittest.TestCase):
    def test_no_faster_than_the_slew_away_from_rest(self):
        for first, then, broken in (
            (0, -600, []),
            (0, -900, ["I5"]),
            (-1000, 0, []),
            (-1000, 900, ["I5"]),
        ):
            s = moving(first, slew_w_per_s=800)
            s.battery = then
            s.run(0.5)
            self.assertEqual(s.broken(), broken, (first, then))

    def test_a_control_with_longer_periods_takes_longer_steps(self):
        for then, broken in ((-900, []), (-1600, ["I5"])):
            s = moving(0, slew_w_per_s=800, period_us=1000000)
            s.battery = then
            s.run(0.5)
            self.assertEqual(s.broken(), broken, then)


class Slower(unittest.TestCase):
    def test_what_a_longer_period_tells_later_is_told_in_time(self):
        for period_us, silent_s, broken in (
            (20000, 4.4, ["F1"]),
            (1000000, 4.4, []),
            (1000000, 6.0, ["F1"]),
        ):
            s = moving(0, period_us=period_us)
            s.run(15)
            s.streams.discard("meter")
            s.inject("line.off", "meters")
            self.assertEqual(s.run(silent_s).broken(), broken, (period_us, silent_s))

    def test_a_stall_is_three_periods_and_told_after_such_a_one_alone(self):
        for period_us, stall_s, broken in (
            (20000, 0.35, []),
            (20000, 0.6, ["F10"]),
            (1000000, 2.9, []),
            (1000000, 3.4, ["F10"]),
        ):
            s = moving(0, period_us=period_us)
            s.run(20)
            end = s.inject("control.stall")
            s.run(stall_s)
            end()
            self.assertEqual(s.run(4).broken(), broken, (period_us, stall_s))

    def test_what_is_counted_in_ticks_ends_a_tick_earlier(self):
        for period_us, after_s, broken in (
            (20000, 9.6, ["F5"]),
            (1000000, 9.2, []),
            (1000000, 8.6, ["F5"]),
        ):
            s = moving(0, period_us=period_us)
            s.run(20)
            s.frames["351"]["ccl_a"] = 0
            s.run(2)
            s.frames["351"]["ccl_a"] = 50
            s.run(after_s)
            s.battery = 200
            self.assertEqual(s.run(0.5).broken(), broken, (period_us, after_s))


class I6(unittest.TestCase):
    def test_a_setpoint_was_decided_within_its_life(self):
        """Which is its own, and no longer than a gap that is a stall."""
        for life_s, period_us, age_s, broken in (
            (2, 20000, 0.3, []),
            (2, 20000, 0.5, ["I6"]),
            (2, 200000, 0.6, []),
            (2, 200000, 0.8, ["I6"]),
            (0.2, 20000, 0.2, []),
            (0.2, 20000, 0.3, ["I6"]),
        ):
            s = moving(-600, period_us=period_us, setpoint_life_s=life_s)
            s.streams.discard("setpoint")
            s.put("hub", claim="decision", mode="follow", ac_w=-150, bat_w=-200)
            s.run(age_s)
            s.command(-600, decided=False)
            self.assertEqual(s.run(1).broken(), broken, (life_s, period_us, age_s))

    def test_who_stands_still_or_has_died_decides_nothing_anew(self):
        stalled = {"kind": "inject", "what": "control.stall", "id": 1, "on": True, "args": {}}
        died = {"kind": "process", "what": "died", "part": "control"}
        for cause, age_s, broken in (
            (None, 0.5, []),
            (stalled, 0.3, []),
            (stalled, 0.5, ["I6"]),
            (died, 0.3, []),
            (died, 0.5, ["I6"]),
        ):
            s = moving(-600)
            s.streams.discard("setpoint")
            if cause:
                s.put(**cause)
            s.run(age_s)
            s.command(-600, decided=False)
            self.assertEqual("I6" in s.run(0.2).broken(), bool(broken), (cause, age_s))


class Noise(unittest.TestCase):
    """A word that the wire has made of another one is nobody's; one that was decided is the hub's."""

    def noisy(self, bus, again_s=0.0):
        s = moving(-600)
        end = s.inject("line.noise", bus, pct=0.5)
        s.run(1)
        if again_s:
            end()
            s.run(again_s)
        return s

    def test_of_the_inverters_bus_may_make_a_setpoint(self):
        for bus, again_s, broken in (
            ("inverter", 0, []),
            ("inverter", 0.7, []),
            ("inverter", 1.4, ["I2", "I5", "I6"]),
            ("meters", 0, ["I2", "I5", "I6"]),
            ("battery", 0, ["I2", "I5", "I6"]),
        ):
            s = self.noisy(bus, again_s)
            s.put("setpoint", w=21916)
            self.assertEqual(s.run(1).broken(), broken, (bus, again_s))

    def test_excuses_nothing_of_what_was_decided(self):
        s = self.noisy("inverter")
        s.command(-2600)
        self.assertEqual(s.broken(), ["I2", "I5"])


if __name__ == "__main__":
    unittest.main()
