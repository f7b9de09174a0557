"""The rules of rules/grid.py, rules/telling.py and rules/shown.py: each kept once and broken once;
and the command."""

import contextlib
import io
import os
import tempfile
import unittest

import judge
from story import Story, moving


class I4(unittest.TestCase):
    def lifted(self, battery, seconds, **caps):
        s = moving(battery, **caps)
        if battery < 0:
            s.load = 0
        s.run(seconds)
        s.load = 500
        s.battery = 0
        return s.run(3).broken()

    def test_a_cap_is_not_exceeded_for_longer_than_meter_and_ramp_need(self):
        self.assertEqual(self.lifted(-1200, 3, export_cap_w=800), [])
        self.assertEqual(self.lifted(-1200, 8, export_cap_w=800), ["I4"])
        self.assertEqual(self.lifted(1200, 8, import_cap_w=1800), [])
        self.assertEqual(self.lifted(1200, 8, import_cap_w=1500), ["I4"])

    def test_what_the_house_does_is_not_the_batterys(self):
        s = moving(0, import_cap_w=1500)
        s.load = 4000
        self.assertEqual(s.run(20).broken(), [])

    def test_f27_nor_the_main_fuse_nor_the_transfer_switch(self):
        self.assertEqual(self.lifted(1200, 8, main_fuse_a=6), ["F27"])
        self.assertEqual(self.lifted(1200, 8, main_fuse_a=7), [])
        self.assertEqual(self.lifted(1200, 8, transfer_switch_a=4), ["F27"])


class F21(unittest.TestCase):
    def reversed(self, seconds, told=True):
        s = moving(0)
        s.inject("meter.reversed")
        s.ramp(1500)
        s.run(seconds)
        if told:
            s.fault("grid_meter_reversed")
        s.battery = 0
        return s.run(5).broken()

    def test_the_run_away_ends_within_seconds(self):
        self.assertEqual(self.reversed(8), [])
        self.assertEqual(self.reversed(40), ["F21"])

    def told(self, battery, restarted):
        s = moving(0)
        s.inject("meter.reversed")
        s.fault("grid_meter_reversed")
        if restarted:
            s.put("process", what="killed")
            s.put("process", what="started")
        s.streams.discard("setpoint")
        s.run(12)
        s.streams.add("setpoint")
        s.ramp(battery)
        return s

    def test_it_rests_once_told_and_i12_after_a_restart(self):
        self.assertEqual(self.told(0, False).broken(), [])
        self.assertEqual(self.told(0, True).broken(), [])
        self.assertEqual(self.told(-300, False).broken(), ["F21"])
        self.assertEqual(self.told(-300, True).broken(), ["I12"])
        s = self.told(0, True)
        s.order("acknowledge")
        self.assertEqual(s.ramp(-300).broken(), [])

    def test_told_without_a_cause_is_found(self):
        s = moving(0)
        s.fault("grid_meter_reversed")
        self.assertEqual(s.run(2).broken(), ["F21"])


class Told(unittest.TestCase):
    """What must be told, and must not be without a cause."""

    CASES = (
        ("F10", "control_overrun", None),
        ("F11", "actor_stuck", None),
        ("F13", "clock_untrusted", None),
        ("F14", "storage_failed", None),
        ("F18", "soc_inconsistent", None),
        ("F19", "bus_contended", ("line.other_master", "meters", {})),
        ("F22", "line_silent", None),
        ("F23", "bms_implausible", None),
        ("F27", "bms_limit_exceeded", None),
        ("F27", "ac_out_inconsistent", ("inverter.ac_out_word", "inverter", {"error_w": 400})),
        ("F28", "battery_temperature", None),
        ("F29", "line_flooded", None),
        ("F30", "inverter_overload", ("inverter.alarm", None, {"alarms": 0x04})),
        ("F30", "inverter_temperature", ("inverter.alarm", None, {"alarms": 0x10})),
        ("F30", "inverter_low_battery", ("inverter.alarm", None, {"alarms": 0x02})),
        ("F30", "inverter_dc_ripple", ("inverter.alarm", None, {"alarms": 0x80})),
        ("F1", "grid_meter_lost", None),
        ("F2", "grid_meter_frozen", None),
        ("F3", "implausible_reading", None),
        ("F4", "bms_lost", None),
        ("F5", "bms_protection", None),
        ("F6", "inverter_lost", None),
        ("F8", "islanded", None),
        ("F9", "backup_cutoff", None),
        ("F9", "cutoff_near", None),
        ("F24", "reserve_not_kept", None),
        ("F13", "plan_suspended", None),
    )

    def test_not_without_a_cause(self):
        # The start excuses for a minute, and what it may excuse of the clock for two.
        s = moving(0).run(130)
        for _, fault, _ in self.CASES:
            s.fault(fault)
            s.run(1)
            s.fault(fault, False)
        found = [(breach.rule, breach.text.split()[0]) for breach in s.judged().breaches]
        self.assertEqual(found, [(rule, fault) for rule, fault, _ in self.CASES])

    def test_when_it_must(self):
        for rule, fault, cause in self.CASES:
            for told in (True, False):
                if cause is None:
                    continue
                s = moving(0).run(20)
                what, bus, args = cause
                s.inject(what, bus, **args)
                s.run(2)
                if told:
                    s.fault(fault)
                self.assertEqual(s.run(16).broken(), [] if told else [rule], fault)

    def test_a_source_that_is_lost(self):
        for rule, fault, stream, bus in (
            ("F1", "grid_meter_lost", "meter", "meters"),
            ("F4", "bms_lost", "bms", "battery"),
            ("F6", "inverter_lost", "mk3", "inverter"),
        ):
            for told, broken in ((True, []), (False, [rule])):
                s = moving(0)
                s.streams -= {stream, "setpoint"}
                s.put("hub", claim="decision", mode="release", ac_w=0, bat_w=0)
                s.inject("line.off", bus)
                s.run(3)
                if told:
                    s.fault(fault)
                self.assertEqual(s.run(4).broken(), broken)

    def test_a_source_that_was_never_heard(self):
        for rule, fault, stream in (
            ("F1", "grid_meter_lost", "meter"),
            ("F4", "bms_lost", "bms"),
            ("F6", "inverter_lost", "mk3"),
        ):
            for told, broken in ((True, []), (False, [rule])):
                s = Story()
                s.streams -= {stream, "setpoint"}
                s.run(15)
                if told:
                    s.fault(fault)
                self.assertEqual(s.run(10).broken(), broken)

    def test_a_source_that_a_control_started_anew_has_not_heard(self):
        for rule, fault, stream, bus in (
            ("F1", "grid_meter_lost", "meter", "meters"),
            ("F4", "bms_lost", "bms", "battery"),
            ("F6", "inverter_lost", "mk3", "inverter"),
        ):
            for told_s, broken in ((15, []), (18, [rule])):
                s = moving(0)
                s.streams -= {stream, "setpoint"}
                s.inject("line.off", bus)
                s.run(3)
                s.fault(fault)
                s.put("process", what="died", part="control")
                s.fault(fault, False)
                s.put("process", what="restarted", part="control")
                s.put("hub", claim="decision", mode="release", ac_w=0, bat_w=0)
                s.run(told_s)
                s.fault(fault)
                self.assertEqual(s.run(4).broken(), broken, (fault, told_s))

    def test_another_master_is_heard_only_by_who_is_there(self):
        for told_s, broken in ((4, []), (7, ["F19"])):
            s = moving(0)
            s.put("line", bus="meters", what="close")
            s.inject("line.unplug", "meters")
            s.inject("line.other_master", "meters")
            s.run(3)
            s.streams.discard("meter")
            s.fault("grid_meter_lost")
            s.run(5)
            s.put("line", bus="meters", what="open")
            s.run(told_s)
            s.fault("bus_contended")
            self.assertEqual(s.run(2).broken(), broken)

    def test_a_frozen_meter(self):
        for told, broken in ((True, []), (False, ["F2"])):
            s = moving(0)
            s.frozen = True
            s.inject("line.stuck", "meters")
            s.run(10.2)
            if told:
                s.fault("grid_meter_frozen")
            self.assertEqual(s.run(5).broken(), broken)

    def test_a_stall(self):
        for told, broken in ((True, []), (False, ["F10"])):
            s = moving(0)
            s.streams.discard("setpoint")
            end = s.inject("control.stall")
            s.run(1)
            end()
            if told:
                s.fault("control_overrun")
            self.assertEqual(s.run(5).broken(), broken)

    def test_a_temperature(self):
        for told, broken in ((True, []), (False, ["F28"])):
            s = moving(0)
            s.frame("356", temp_c=-5)
            if told:
                s.fault("battery_temperature")
            self.assertEqual(s.run(5).broken(), broken)

    def test_a_cutoff(self):
        for told, broken in ((True, []), (False, ["F9"])):
            s = moving(0)
            s.streams.discard("setpoint")
            s.inject("mains.lost")
            s.truth(mains=False, inv_state="invert_full", grid_w=0)
            s.run(0.5)
            s.fault("islanded")
            s.frames["356"]["v"] = 46
            s.run(11)
            s.truth(switch="off", inv_state="off")
            if told:
                s.fault("backup_cutoff")
            self.assertEqual(s.run(5).broken(), broken)

    def test_f13_the_clock(self):
        for told in (True, False):
            s = moving(0, mode="scheduled", schedule=[{"days": 127}])
            s.inject("clock.unsynchronised")
            s.put("clock", wall_s=0, trusted=False)
            if told:
                s.fault("clock_untrusted")
                s.fault("plan_suspended")
            verdict = s.run(5).judged()
            self.assertEqual(sorted(verdict.rules()), [] if told else ["F13"])
            self.assertEqual(len(verdict.breaches), 0 if told else 2)

    def test_f13_a_step(self):
        for told, broken in ((True, []), (False, ["F13"])):
            s = moving(0)
            s.inject("clock.step", by_s=3600)
            s.put("clock", wall_s=3600, trusted=True)
            if told:
                s.fault("clock_untrusted")
            self.assertEqual(s.run(5).broken(), broken)

    def test_f23_104_percent_is_full(self):
        for soc, broken in ((104, ["F23"]), (130, [])):
            s = moving(0)
            s.run(70)
            s.inject("bms.soc", soc_pct=soc)
            s.frame("355", soc_pct=soc)
            s.fault("soc_inconsistent")
            s.fault("bms_implausible")
            self.assertEqual(s.run(3).broken(), broken)

    def test_f1_a_late_answer_is_none(self):
        for late, broken in ((True, []), (False, ["F1"])):
            s = Story()
            if late:
                s.inject("line.late", "meters", delay_s=1.5)
            s.streams -= {"meter", "setpoint"}
            s.run(8)
            s.put("meter", unit=1, start=12, values=[5, 0, 0], grid_w=5)
            s.run(7)
            if late:
                s.fault("grid_meter_lost")
            self.assertEqual(s.run(5).broken(), broken)

    def test_f13_no_plan_is_suspended_where_there_is_none(self):
        s = moving(0)
        s.inject("clock.unsynchronised")
        s.put("clock", wall_s=0, trusted=False)
        s.fault("clock_untrusted")
        s.fault("plan_suspended")
        self.assertEqual(s.run(5).broken(), ["F13"])

    def test_not_long_after_its_cause(self):
        for cleared, broken in ((True, []), (False, ["F29"])):
            s = moving(0)
            end = s.inject("line.flood", "battery")
            s.run(1)
            s.fault("line_flooded")
            s.run(1)
            end()
            s.run(12)
            if cleared:
                s.fault("line_flooded", False)
            self.assertEqual(s.run(60).broken(), broken)

    def test_f14_the_disk(self):
        for told in (True, False):
            s = moving(0)
            s.inject("disk.full")
            s.put("disk", what="write", ok=False)
            if told:
                s.fault("storage_failed")
            self.assertEqual(s.run(5).broken(), [] if told else ["F14"])


class F22(unittest.TestCase):
    def test_a_silent_line_is_told_and_opened_anew(self):
        for told, opened, broken in (
            (True, True, []),
            (False, True, ["F22"]),
            (True, False, ["F22"]),
        ):
            s = moving(0)
            s.inject("line.off", "meters")
            s.streams.discard("meter")
            s.run(3.1)
            s.fault("grid_meter_lost")
            s.run(27.5)
            if told:
                s.fault("line_silent")
            if opened:
                s.put("line", bus="meters", what="close")
                s.put("line", bus="meters", what="open")
            self.assertEqual(s.run(40).broken(), broken)

    def test_after_30_s_the_first_time(self):
        for after_s, broken in ((28, []), (45, ["F22"])):
            s = moving(0)
            s.inject("line.off", "meters")
            s.streams.discard("meter")
            s.run(3.1)
            s.fault("grid_meter_lost")
            s.run(27.5)
            s.fault("line_silent")
            s.run(after_s - 27.5)
            s.put("line", bus="meters", what="close")
            s.put("line", bus="meters", what="open")
            self.assertEqual(s.run(5).broken(), broken)


class I10(unittest.TestCase):
    def test_nothing_old_is_shown(self):
        for field, stream, bus, fault in (
            ("grid_w", "meter", "meters", "grid_meter_lost"),
            ("soc_pct", "bms", "battery", "bms_lost"),
            ("bat_v", "bms", "battery", "bms_lost"),
            ("inv_ac_in_w", "mk3", "inverter", "inverter_lost"),
        ):
            for hidden, broken in ((True, []), (False, ["I10"])):
                s = moving(0)
                s.streams.discard("setpoint")
                s.put("hub", claim="shown", **{field: 5})
                s.inject("line.off", bus)
                s.streams.discard(stream)
                if field == "bat_v":
                    s.streams.discard("mk3")
                    s.inject("line.off", "inverter")
                s.run(3)
                s.fault(fault)
                if field == "bat_v":
                    s.fault("inverter_lost")
                    s.put("hub", claim="decision", mode="release", ac_w=0, bat_w=0)
                if fault == "inverter_lost":
                    s.put("hub", claim="decision", mode="release", ac_w=0, bat_w=0)
                s.run(0.1)
                if hidden:
                    s.put("hub", claim="shown", **{field: None})
                self.assertEqual(s.run(4).broken(), broken, field)


class F17(unittest.TestCase):
    def test_what_has_ended_is_no_reason(self):
        for cause in ("charge", "dispatch_overruled"):
            for ends, broken in ((True, []), (False, ["F17"])):
                s = moving(0)
                s.order("dispatch", action="charge", power_w=500, length_s=60)
                if cause == "dispatch_overruled":
                    s.order("override", action="idle", length_s=600)
                s.put("hub", claim="reasons", causes=[cause])
                s.run(60.1)
                if ends:
                    s.put("hub", claim="reasons", causes=["self_consumption"])
                self.assertEqual(s.run(5).broken(), broken)

    def test_nor_what_it_overruled(self):
        for ends, broken in ((True, []), (False, ["F17"])):
            s = moving(0)
            s.order("dispatch", action="idle", length_s=600)
            s.order("override", action="balance", length_s=60)
            s.put("hub", claim="reasons", causes=["self_consumption", "dispatch_overruled"])
            s.run(60.1)
            if ends:
                s.put("hub", claim="reasons", causes=["idle"])
            self.assertEqual(s.run(5).broken(), broken)

    def test_nor_after_a_power_cut_once_the_time_is_known(self):
        for ends, broken in ((True, []), (False, ["F17"])):
            s = moving(0)
            s.order("override", action="charge", power_w=500, length_s=60)
            s.put("process", what="power_cut")
            s.streams = {"truth"}
            s.run(5)
            s.put("process", what="started")
            s.streams = {"meter", "bms", "mk3", "truth"}
            s.put("hub", claim="reasons", causes=["charge"])
            s.run(60)
            s.put("clock", wall_s=1774746085, trusted=True)
            s.run(60)
            if ends:
                s.put("hub", claim="reasons", causes=["self_consumption"])
            self.assertEqual(s.run(10).broken(), broken)

    def test_another_instruction_may_say_the_same(self):
        s = moving(0, mode="scheduled", schedule=[{"days": 127}])
        s.order("override", action="charge", power_w=500, length_s=60)
        s.put("hub", claim="reasons", causes=["charge"])
        self.assertEqual(s.run(70).broken(), [])


class Restart(unittest.TestCase):
    def test_what_a_run_said_and_saw_is_not_the_next_ones(self):
        s = moving(0)
        s.order("dispatch", action="charge", power_w=500, length_s=60)
        s.put("hub", claim="reasons", causes=["charge"])
        s.put("hub", claim="shown", grid_w=5)
        s.frame("359", protections=["high_voltage"])
        s.fault("bms_protection")
        s.frames["359"]["protections"] = []
        s.streams = {"truth"}
        s.put("process", what="killed")
        s.run(100)
        s.put("process", what="started")
        s.run(14)
        for fault in ("grid_meter_lost", "bms_lost", "inverter_lost"):
            s.fault(fault)
        self.assertEqual(s.run(10).broken(), [])


class Command(unittest.TestCase):
    def run_on(self, *stories):
        names = []
        with tempfile.TemporaryDirectory() as folder:
            for i, lines in enumerate(stories):
                names.append(os.path.join(folder, f"s.{i}.jsonl"))
                with open(names[-1], "w", encoding="utf-8") as file:
                    file.write("".join(line + "\n" for line in lines))
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                status = judge.main(names)
        return status, out.getvalue()

    def test_says_ok_and_how_often_each_rule_was_judged(self):
        s = moving()
        s.judged()
        status, out = self.run_on(s.lines)
        self.assertEqual(status, 0)
        self.assertIn("seed 1: ok", out)
        self.assertRegex(out, r"I2 +[1-9]")
        self.assertRegex(out, r"I12 +[0-9]")
        self.assertRegex(out, r"F18 +0 +0  never judged")
        self.assertRegex(out, r"I7 +- +-  not judged: the inside of the control")

    def test_says_what_was_broken_and_fails(self):
        calm, bad = moving(), moving(-1500, discharge_limit_w=1000)
        calm.judged()
        bad.judged()
        status, out = self.run_on(calm.lines, bad.lines)
        self.assertEqual(status, 1)
        self.assertRegex(
            out,
            r"I2 at 22\.\d+ s: W commanded to discharge, discharge_limit allows 1000 W: 1\d+, allowed 1060",
        )

    def test_a_record_without_its_end_or_header_fails(self):
        for lines in (Story().run(5).lines, []):
            self.assertEqual(self.run_on(lines)[0], 1)


if __name__ == "__main__":
    unittest.main()
