#!/usr/bin/python3
"""`esshub backup` and `esshub restore` of a hub in the simulated house: what is kept, what is refused."""
import contextlib
import fcntl
import hashlib
import io
import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
import unittest

from house import HUB, House, wait_for
from orders import Orders, set_password

FLOW = 'esshub_flow_energy_joules_total{flow="battery_discharge"}'
DISCHARGED = "SELECT joules FROM totals WHERE flow = 'battery_discharge'"
HISTORY = "history/history.db"
STATE = "state/state.json"
CONFIG = "config/esshub.toml"


def esshub(*arguments):
    """Exit status, stdout, stderr."""
    run = subprocess.run([HUB, *arguments], capture_output=True, text=True, timeout=60)
    return run.returncode, run.stdout, run.stderr


@contextlib.contextmanager
def database(file):
    """Committed and closed."""
    with contextlib.closing(sqlite3.connect(file)) as db, db:
        yield db


def members(file):
    """{name: bytes}, by another reader of the format."""
    with tarfile.open(file) as tar:
        return {m.name: tar.extractfile(m).read() for m in tar.getmembers()}


class BackupTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.house = House()
        cls.addClassCleanup(cls.house.close)
        cls.config = cls.house.path("esshub.toml")
        cls.state = cls.house.path("state")
        cls.backup = cls.house.path("hub.backup")
        cls.secret = cls.house.path("ca.pem")
        with open(cls.secret, "w") as f:
            f.write("a certificate\n")
        cls.house.add_config('\n[history]\nbatch = "10 s"\n')
        set_password(cls.house)
        cls.house.start_hub()
        cls.house.say("load 2000")
        assert wait_for(lambda: cls.flowed() > 0, 90), "nothing flows"
        orders = Orders(cls.house.web)
        orders.sign_in()
        orders.post("reserve", '{"reserve_percent": 37}')
        assert wait_for(lambda: cls.kept_state().get("reserve") == 37, 10), "it is not kept"

    @classmethod
    def flowed(cls):
        """J out of the battery, as the history has it."""
        with database(os.path.join(cls.state, "history.db")) as db:
            try:
                return db.execute(DISCHARGED).fetchone()[0]
            except (TypeError, sqlite3.OperationalError):
                return 0.0

    @classmethod
    def kept_state(cls):
        try:
            with open(os.path.join(cls.state, "state.json")) as f:
                return json.load(f)
        except FileNotFoundError:
            return {}

    def everything(self):
        """{path: bytes} of configuration and state."""
        found = {}
        for folder, _, names in os.walk(self.state):
            for name in names:
                with open(os.path.join(folder, name), "rb") as f:
                    found[os.path.join(folder, name)] = f.read()
        with open(self.config, "rb") as f:
            found[self.config] = f.read()
        return found

    def restore(self, file, *arguments):
        return esshub("restore", file, "--config", self.config, *arguments)

    def refused(self, file, *arguments, status=1):
        """What is said, and that nothing was changed."""
        before = self.everything()
        result, out, err = self.restore(file, *arguments)
        self.assertEqual((result, out), (status, ""), err)
        self.assertEqual(self.everything(), before, "something was changed")
        return err

    def changed(self, change):
        """A backup with other members; its manifest names their checksums if that is not what is changed."""
        files = members(self.backup)
        change(files)
        name = self.house.path("changed.backup")
        with tarfile.open(name, "w", format=tarfile.USTAR_FORMAT) as tar:
            for member, content in files.items():
                entry = tarfile.TarInfo(member)
                entry.size, entry.mode = len(content), 0o600
                tar.addfile(entry, io.BytesIO(content))
        return name

    def with_file(self, member, content):
        """The same, of one file, the manifest as it has to be."""

        def change(files):
            files[member] = content
            manifest = json.loads(files["manifest.json"])
            for entry in manifest["files"]:
                if entry["name"] == member:
                    entry["size"] = len(content)
                    entry["sha256"] = hashlib.sha256(content).hexdigest()
            files["manifest.json"] = json.dumps(manifest).encode()

        return self.changed(change)

    def started(self):
        self.house.start_hub()
        self.addCleanup(self.house.hub.stop)
        self.assertIsNotNone(
            wait_for(lambda: self.house.scrape().get(FLOW), 60), self.house.hub.text()
        )
        return self.house.scrape()[FLOW]

    # ---- while the hub runs --------------------------------------------------------------------

    def test_1_a_backup_of_the_running_hub_is_whole_and_only_its_owners(self):
        status, out, err = esshub("backup", self.backup, "--config", self.config)
        self.assertEqual((status, err), (0, ""))
        self.assertIn("with the history (schema ", out)
        self.assertEqual(os.stat(self.backup).st_mode & 0o777, 0o600)
        files = members(self.backup)
        self.assertEqual(list(files)[0], "manifest.json")
        self.assertEqual(
            {CONFIG, HISTORY, STATE, "state/web-password"} - set(files),
            set(),
            "something is missing",
        )
        self.assertEqual(json.loads(files[STATE])["reserve"], 37)
        with open(self.config, "rb") as f:
            self.assertEqual(files[CONFIG], f.read())
        copy = self.house.path("copy.db")
        with open(copy, "wb") as f:
            f.write(files[HISTORY])
        with database(copy) as db:
            self.assertEqual(db.execute("PRAGMA integrity_check").fetchone()[0], "ok")
            self.assertGreater(db.execute(DISCHARGED).fetchone()[0], 0)
        self.assertEqual(
            [n for n in os.listdir(self.house.dir) if n.startswith("hub.backup")], ["hub.backup"]
        )

    def test_2_what_is_there_is_not_replaced_unasked(self):
        status, _, err = esshub("backup", self.backup, "--config", self.config)
        self.assertEqual(status, 1)
        self.assertIn("hub.backup is there already; --force replaces it", err)
        self.assertEqual(esshub("backup", self.backup, "--config", self.config, "--force")[0], 0)
        status, _, err = esshub("backup", self.house.path("no/folder"), "--config", self.config)
        self.assertEqual(status, 1)
        self.assertIn("nothing was written", err)
        self.assertEqual(esshub("backup", self.backup, "--config", "/nowhere.toml")[0], 78)

    def test_3_it_is_shown_and_not_restored_while_the_hub_runs(self):
        status, out, err = self.restore(self.backup, "--list")
        self.assertEqual((status, err), (0, ""))
        self.assertIn(": whole, made ", out)
        self.assertIn(HISTORY, out)
        self.assertEqual(self.restore(self.backup, "--list", "--only", "state")[0], 64)
        with open(self.config, "rb") as f:
            before = f.read()
        status, out, err = self.restore(self.backup)
        self.assertEqual((status, out), (1, ""))
        self.assertIn("is in use. Stop it first", err)
        with open(self.config, "rb") as f:
            self.assertEqual(f.read(), before)
        self.assertFalse(os.path.exists(self.house.path("before-restore.backup")))

    # ---- the hub is stopped --------------------------------------------------------------------

    def test_4_restored_where_nothing_is_left_the_hub_goes_on_with_its_counters_and_orders(self):
        self.assertEqual(self.house.hub.stop()[0], 0)
        self.assertEqual(esshub("backup", self.backup, "--config", self.config, "--force")[0], 0)
        flowed = self.flowed()
        before = self.everything()
        shutil.rmtree(self.state)
        os.remove(self.config)
        status, out, err = self.restore(self.backup)
        self.assertEqual((status, err), (0, ""))
        self.assertNotIn("to undo", out, "there was nothing to keep")
        after = self.everything()
        for file, content in before.items():
            if not file.endswith((".db", ".json")):
                self.assertEqual(after.get(file), content, file)
        self.assertEqual(self.kept_state()["reserve"], 37)
        self.house.say("load 0")
        shown = self.started()
        self.assertGreaterEqual(shown, flowed - 0.001, self.house.hub.text())  # J: sums are rounded
        self.assertLess(shown, flowed + 400_000)
        Orders(self.house.web).sign_in()
        self.assertEqual(self.house.hub.stop()[0], 0)
        self.assertEqual(self.kept_state()["reserve"], 37)

    def test_5_what_is_damaged_or_of_another_version_is_refused(self):
        def cut(files):
            del files[HISTORY]

        def newer_form(files):
            manifest = json.loads(files["manifest.json"])
            files["manifest.json"] = json.dumps({**manifest, "esshub_backup": 2}).encode()

        def flip(files):
            files[CONFIG] = b"#" + files[CONFIG]

        self.assertIn(f"{HISTORY} is missing in it", self.refused(self.changed(cut)))
        self.assertIn("a newer version of esshub", self.refused(self.changed(newer_form)))
        self.assertIn(f"{CONFIG} in it is damaged", self.refused(self.changed(flip)))
        self.assertIn(
            "what no backup has is in it: x/y",
            self.refused(self.changed(lambda files: files.update({"x/y": b""}))),
        )
        self.assertIn(
            "none for this version", self.refused(self.with_file(CONFIG, b"x = 1\n"), status=78)
        )
        self.assertIn(
            "the state in it is none that this version reads",
            self.refused(self.with_file(STATE, b'{"saved_at": 1, "mode": "clever"}')),
        )
        self.assertIn("(schema 1000)", self.refused(self.with_file(HISTORY, self.history_of(1000))))
        self.assertIn("it is no backup", self.refused(self.config))
        self.assertIn("cannot read", self.refused(self.house.path("none")))

    def history_of(self, schema):
        """A history of another schema."""
        file = self.house.path("other.db")
        with open(file, "wb") as f:
            f.write(members(self.backup)[HISTORY])
        with database(file) as db:
            db.execute(f"PRAGMA user_version={schema}")
        with open(file, "rb") as f:
            return f.read()

    def test_6_what_was_there_is_kept_and_comes_back(self):
        with open(os.path.join(self.state, "savings.json"), "w") as f:
            f.write("{}\n")
        self.house.add_config("# since then\n")
        before = self.everything()
        status, out, err = self.restore(self.backup)
        self.assertEqual((status, err), (0, ""))
        self.assertFalse(os.path.exists(os.path.join(self.state, "savings.json")))
        self.assertNotEqual(self.everything()[self.config], before[self.config])
        kept = self.house.path("before-restore.backup")
        self.assertIn(f"to undo: esshub restore {kept}", out)
        self.assertEqual(self.restore(kept)[0], 0)
        after = self.everything()
        for file in (self.config, os.path.join(self.state, "savings.json")):
            self.assertEqual(after[file], before[file])

    def test_6a_what_was_there_before_a_restore_that_did_not_finish_stays(self):
        kept = self.house.path("before-restore.backup")
        self.assertEqual(self.restore(self.backup)[0], 0)
        with open(kept, "rb") as f:
            first = f.read()
        mark = self.house.path("restore-unfinished")
        self.assertFalse(os.path.exists(mark))
        for n in (1, 2):
            open(mark, "w").close()  # as a power cut leaves it
            aside = self.house.path(f"before-restore-{n}.backup")
            status, _, err = self.restore(self.backup)
            self.assertEqual(status, 0, err)
            self.assertIn(f"what was there before it is kept in {aside}", err)
            self.assertFalse(os.path.exists(mark))
            if n == 1:
                with open(aside, "rb") as f:
                    self.assertEqual(f.read(), first)
            self.assertTrue(os.path.exists(kept))
        self.assertEqual(self.restore(self.backup)[2], "")
        self.assertEqual(os.stat(kept).st_mode & 0o777, 0o600)
        self.assertFalse([n for n in os.listdir(self.state) if "restore" in n])

    def test_6b_what_a_newer_version_wrote_gives_way_and_is_set_aside(self):
        history = os.path.join(self.state, "history.db")
        newer = self.history_of(1000)
        with open(history, "wb") as f:
            f.write(newer)
        state = {"saved_at": 1, "mode": "cleverer"}
        state["safety"] = {"cutoff": False, "meter_reversed": False, "lockout_left_ms": 60_000}
        with open(os.path.join(self.state, "state.json"), "w") as f:
            json.dump(state, f)
        self.house.add_config("cleverer = 1\n")
        status, _, err = self.restore(self.backup)
        self.assertEqual(status, 0, err)
        self.assertIn("(schema 1000): set aside as ", err)
        with open(history + ".damaged-1", "rb") as f:
            self.assertEqual(f.read(), newer)
        self.assertEqual(self.kept_state()["reserve"], 37)
        self.assertEqual(self.kept_state()["safety"]["lockout_left_ms"], 60_000)
        os.remove(os.path.join(self.state, "state.json"))
        self.assertEqual(self.restore(self.backup)[0], 0)

    def test_7_a_lock_out_that_is_in_force_is_not_forgotten(self):
        state = self.kept_state()
        state["safety"] = {"cutoff": True, "meter_reversed": False, "lockout_left_ms": 7_200_000}
        state["reserve"] = 50
        with open(os.path.join(self.state, "state.json"), "w") as f:
            json.dump(state, f)
        self.assertEqual(self.restore(self.backup, "--only", "state")[0], 0)
        now = self.kept_state()
        self.assertEqual(now["reserve"], 37)
        self.assertEqual(now["safety"]["lockout_left_ms"], 7_200_000)
        self.assertTrue(now["safety"]["cutoff"])
        os.remove(os.path.join(self.state, "state.json"))
        self.assertEqual(self.restore(self.backup)[0], 0)

    def elsewhere(self):
        """The present configuration has another state_dir, with a latch; what the backup's names is gone."""
        other = self.house.path("elsewhere")
        with open(self.config) as f:
            text = f.read()
        self.assertIn(f'"{self.state}"', text)
        with open(self.config, "w") as f:
            f.write(text.replace(f'"{self.state}"', f'"{other}"'))
        shutil.move(self.state, other)
        with open(os.path.join(other, "state.json"), "w") as f:
            f.write('{"saved_at": 1, "safety": {"cutoff": true, "meter_reversed": false}}')
        self.addCleanup(shutil.rmtree, other, ignore_errors=True)
        return other

    def test_7a_it_is_not_forgotten_where_the_state_moves(self):
        other = self.elsewhere()
        err = self.refused(self.backup, "--only", "config")
        self.assertIn(f"what safety remembers is in {other}: restore the state as well", err)
        os.mkdir(self.state)
        with open(os.path.join(self.state, "savings.json"), "w") as f:
            f.write("somebody's")
        self.assertIn("savings.json is there, and is not what", self.refused(self.backup))
        shutil.rmtree(self.state)
        self.assertEqual(self.restore(self.backup)[0], 0)
        self.assertTrue(self.kept_state()["safety"]["cutoff"])
        self.assertEqual(self.kept_state()["reserve"], 37)
        # A damaged one is told.
        with open(os.path.join(self.state, "state.json"), "w") as f:
            f.write("{")
        status, _, err = self.restore(self.backup)
        self.assertEqual(status, 0)
        self.assertIn("state.json is damaged: what safety remembered there does not count", err)
        self.assertNotIn("safety", self.kept_state())

    @unittest.skipUnless(os.geteuid() == 0, "for root")
    def test_7b_root_restores_nothing_that_the_service_may_have_made(self):
        theirs = self.house.path("theirs.backup")
        shutil.copy(self.backup, theirs)
        os.chown(theirs, 65534, -1)
        os.chown(self.state, 65534, -1)
        self.addCleanup(os.chown, self.state, 0, -1)
        self.assertIn("belongs to the service's user", self.refused(theirs))
        self.assertEqual(self.restore(theirs, "--list")[0], 0)

    def test_7c_no_file_of_elsewhere_is_removed_through_a_link(self):
        other = self.house.path("other")
        os.makedirs(os.path.join(other, "kept"))
        for name in ("precious.json", "kept/precious.json"):
            with open(os.path.join(other, name), "w") as f:
                f.write("theirs")
        feed = os.path.join(self.state, "feed")
        shutil.rmtree(feed, ignore_errors=True)
        os.symlink(other, feed)
        self.addCleanup(os.remove, feed)
        self.assertEqual(self.restore(self.backup)[0], 0)
        self.assertTrue(os.path.exists(os.path.join(other, "precious.json")))
        self.assertTrue(os.path.exists(os.path.join(other, "kept/precious.json")))

    def test_7d_no_backup_takes_the_place_of_what_it_saves(self):
        before = self.everything()
        link = self.house.path("link.toml")
        os.symlink(self.config, link)
        for file in (self.config, link, os.path.join(self.state, "state.json")):
            status, _, err = esshub("backup", file, "--config", self.config, "--force")
            self.assertEqual(status, 1)
            self.assertIn("is one of the files that are saved; nothing was written", err)
        self.assertEqual(self.everything(), before)

    def test_8_one_part_alone_and_a_copy_of_the_history_by_itself(self):
        self.house.add_config("# mine\n")
        before = self.everything()
        copy = self.house.path("history.db.schema-2")
        with open(copy, "wb") as f:
            f.write(members(self.backup)[HISTORY])
        with database(copy) as db:
            old = "begin, grid_w, solar_w, house_w, battery_w, soc_tenths"
            db.execute(f"CREATE TABLE old({old.replace('begin', 'begin INTEGER PRIMARY KEY')})")
            db.execute(f"INSERT INTO old SELECT {old} FROM minutes")
            db.execute("DROP TABLE minutes")
            db.execute("ALTER TABLE old RENAME TO minutes")
            for table in ("minutes", "days", "events"):
                db.execute(f"DROP TABLE IF EXISTS misdated_{table}")
            db.execute("UPDATE totals SET joules = joules + 1e9, mark = mark + 1e9")
            db.execute("PRAGMA user_version=2")
        self.assertIn("holds no state", self.refused(copy, "--only", "state"))
        self.assertEqual(self.restore(copy)[0], 0)
        after = self.everything()
        self.assertEqual(after[self.config], before[self.config])
        with database(os.path.join(self.state, "history.db")) as db:
            self.assertEqual(db.execute("PRAGMA user_version").fetchone()[0], 2)
        self.assertGreater(self.started(), 1e9)
        self.assertEqual(self.house.hub.stop()[0], 0)
        self.assertEqual(self.restore(self.backup, "--only", "history")[0], 0)
        self.assertEqual(self.everything()[self.config], before[self.config])
        self.assertLess(self.started(), 1e9)
        self.assertEqual(self.house.hub.stop()[0], 0)

    def test_8b_no_hub_starts_while_one_is_restored(self):
        folder = os.open(self.state, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            self.house.start_hub()
            self.assertEqual(self.house.hub.p.wait(20), 1)
            self.assertIn("a backup is being restored into", self.house.hub.text())
            self.assertIn("is in use", self.refused(self.backup))
        finally:
            os.close(folder)
            self.house.hub.stop()

    def test_9_secret_files_come_only_where_they_are_asked_for(self):
        self.house.add_config(f'\n[mqtt]\ntls_ca = "{self.secret}"\n')
        file = self.house.path("secret.backup")
        self.assertEqual(esshub("backup", file, "--config", self.config)[0], 0)
        self.assertNotIn("secret/mqtt.tls_ca", members(file))
        again = ("backup", file, "--config", self.config, "--force", "--with-secrets")
        self.assertEqual(esshub(*again)[0], 0)
        self.assertEqual(members(file)["secret/mqtt.tls_ca"], b"a certificate\n")
        os.chmod(self.secret, 0o640)
        with open(self.secret, "w") as f:
            f.write("another\n")
        status, out, _ = self.restore(file)
        self.assertEqual(status, 0)
        self.assertIn(self.secret, out)
        with open(self.secret) as f:
            self.assertEqual(f.read(), "a certificate\n")
        self.assertEqual(os.stat(self.secret).st_mode & 0o777, 0o640)
        # Where the present configuration does not name it, it is somebody else's.
        with open(self.config) as f:
            text = f.read()
        with open(self.config, "w") as f:
            f.write(text.replace("tls_ca", "# tls_ca"))
        self.assertIn(f"{self.secret} is there, and is not what", self.refused(file))


if __name__ == "__main__":
    unittest.main()
