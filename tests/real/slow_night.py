"""A night by keyboard in an 80 x 24 terminal of 16 colours, through tmux, over a line of 300 ms and 20 kB/s.

    slow_night.py target/debug/nightdesk [--scenario night]

The person's terminal is a tmux of its own; in it `slow_link.py` is the line, behind it run a tmux and nightdesk in it, as on
a jump host. For each thing that the person does: how long until the screen says that it arrived, how long until it was done,
and how many bytes came for it. Ends with an error where a sign does not come.
"""

import argparse
import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
LONGEST_S = 40


class Desk:
    def __init__(self, program, scenario, delay_ms, rate):
        self.folder = tempfile.TemporaryDirectory()
        self.count = os.path.join(self.folder.name, "count.json")
        self.outer, self.inner = (os.path.join(self.folder.name, name) for name in ("outer", "inner"))
        config = os.path.join(self.folder.name, "tmux.conf")
        pathlib.Path(config).write_text(
            'set -g default-terminal "screen"\nset -g status off\nset -sg escape-time 10\n'
        )
        demo = f"env -u NO_COLOR -u COLORTERM TERM=screen-16color LANG=C.UTF-8 {shlex.quote(program)} demo --scenario {scenario} --seed 7"
        far = ["env", "-u", "TMUX", "tmux", "-S", self.inner, "-f", config, "new-session", demo]
        line = [sys.executable, str(HERE / "slow_link.py"), "--delay-ms", str(delay_ms), "--rate", str(rate)]
        line += ["--count", self.count, "--", *far]
        self.tmux("-f", config, "new-session", "-d", "-x", "80", "-y", "24", shlex.join(line))
        self.rows = []

    def tmux(self, *arguments):
        done = subprocess.run(["tmux", "-S", self.outer, *arguments], capture_output=True, text=True, timeout=20)
        return done.stdout

    def screen(self):
        return self.tmux("capture-pane", "-p")

    def counted(self):
        try:
            return json.loads(pathlib.Path(self.count).read_text())
        except FileNotFoundError:
            return {"down": 0, "most_waiting_bytes": 0, "most_waiting_s": 0.0}

    def until(self, sign, what):
        begun = time.monotonic()
        while time.monotonic() - begun < LONGEST_S:
            screen = self.screen()
            if sign(screen):
                return time.monotonic() - begun
            time.sleep(0.02)
        sys.exit(f"{what}: the sign did not come within {LONGEST_S} s; the screen:\n{self.screen()}")

    def does(self, what, keys, arrived, done=None, literal=False):
        """Presses keys, waits for the sign that they arrived and for the one that it is done."""
        before = self.counted()["down"]
        shown = self.screen()
        self.tmux("send-keys", *(["-l"] if literal else []), *keys)
        seen = self.until(lambda screen: screen != shown and arrived(screen), f"{what}: arrived")
        over = seen + self.until(done, f"{what}: done") if done else None
        time.sleep(0.4)  # what still comes belongs to it
        self.rows.append((what, seen, over, self.counted()["down"] - before))

    def close(self):
        for server in (self.inner, self.outer):
            subprocess.run(["tmux", "-S", server, "kill-server"], capture_output=True)
        self.folder.cleanup()


def row(screen):
    return next((line for line in screen.splitlines() if line.startswith("│▌")), "")


def says(*words):
    return lambda screen: any(word in screen for word in words)


def in_row(*words):
    return lambda screen: any(word in row(screen) for word in words)


def night(desk):
    desk.until(lambda screen: "CRIT" in screen and "● " in screen, "the queue")
    desk.until(lambda screen: "new" in row(screen), "a row under the cursor")
    time.sleep(2)
    for _ in range(5):
        before = row(desk.screen())
        desk.does("j (next row)", ["j"], lambda screen, before=before: row(screen) != before)
    desk.does("g (first row)", ["g"], in_row("CRIT"))
    desk.does("a (acknowledge)", ["a"], in_row("saving", "sends in", "in 3s", "in 2s"), in_row("✓"))
    desk.does("w (work order form)", ["w"], says("description"), says("open orders of"))
    time.sleep(1.5)
    if "make a new order all the same" in desk.screen():
        desk.does("Down (a new order)", ["Down"], says("(*) make a new order"))
    desk.does("Enter (order)", ["Enter"], says("sends in", "z undoes", "saving"), says("✓ work order", "WAPPR", " W│"))
    desk.does("x (resolve form)", ["x"], says("Resolve "))
    desk.does("text of 20 characters", ["Replaced the bearing"], says("Replaced the bearing"), literal=True)
    desk.does("Tab (cause)", ["Tab"], lambda screen: True)
    desk.does("text of 4 characters", ["Wear"], says("Wear"), literal=True)
    desk.does("Enter (resolve)", ["Enter"], lambda screen: "Resolve " not in screen, says("res ✓", "✓ PUMP", "resolved"))
    desk.does("/ (filter)", ["/"], says("filter"))
    desk.does("sev>=high", ["sev>=high"], says("sev>=high"), literal=True)
    desk.does("Enter (filter)", ["Enter"], lambda screen: "enter keeps" not in screen)
    desk.does("Escape (no filter)", ["Escape"], says("no filter"))
    desk.does("Enter (detail)", ["Enter"], lambda screen: "history" in screen)
    desk.does("] (next page)", ["]"], lambda screen: True)
    desk.does("Escape (back)", ["Escape"], lambda screen: "AGE SEV" in screen)
    desk.does("Q (outbox)", ["Q"], says("Outbox"))
    desk.does("Escape (back)", ["Escape"], lambda screen: "AGE SEV" in screen)
    desk.does("L (health)", ["L"], says("Health"), says("listAlerts", "CALLS"))
    desk.does("Tab (calls)", ["Tab"], says("[calls]"))
    desk.does("Escape (back)", ["Escape"], lambda screen: "AGE SEV" in screen)
    desk.does("? (help)", ["?"], says("Act on alerts"))
    desk.does("Escape (back)", ["Escape"], lambda screen: "AGE SEV" in screen)
    # one more j than k: otherwise nothing has changed in the end, and there is nothing to wait for
    desk.does("61 times j and k, as held down", ["j", "k"] * 30 + ["j"], lambda screen: True)
    desk.does("Ctrl-L (all anew)", ["C-l"], lambda screen: True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--scenario", default="night")
    parser.add_argument("--delay-ms", type=int, default=150)
    parser.add_argument("--rate", type=int, default=20_000)
    parser.add_argument("--watch-s", type=int, default=0, help="only watch for so long, and press nothing")
    asked = parser.parse_args()
    desk = Desk(os.path.abspath(asked.program), asked.scenario, asked.delay_ms, asked.rate)
    begun = time.monotonic()
    try:
        if asked.watch_s:
            desk.until(says("AGE SEV"), "the queue")
            first = desk.counted()["down"]
            time.sleep(asked.watch_s)
            desk.rows.append((f"watched {asked.watch_s} s", 0.0, None, desk.counted()["down"] - first))
        else:
            night(desk)
        print(f"{'what':34}{'arrived s':>10}{'done s':>8}{'bytes':>8}")
        for what, seen, over, cost in desk.rows:
            print(f"{what:34}{seen:10.2f}{'' if over is None else f'{over:.2f}':>8}{cost:8}")
        line = desk.counted()
        print(
            f"in all {time.monotonic() - begun:.0f} s: {line['down']} bytes came,"
            f" at most {line['most_waiting_bytes']} bytes waited ({line['most_waiting_s']} s)"
        )
    finally:
        desk.close()


if __name__ == "__main__":
    main()
