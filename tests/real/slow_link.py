"""A slow line for any program in a terminal: each direction comes late, and only so many bytes a second come out.

    slow_link.py --delay-ms 150 --rate 20000 --count FILE -- PROGRAM ARGUMENT...

Runs the program in a pseudo-terminal and stands between it and this terminal, as SSH does. Up to 64 KiB wait in it before
the program's writes stall. FILE holds, always current, what went through: bytes up and down, the most that waited and how
many seconds that is at the line's rate. Standard library only.
"""

import argparse
import collections
import fcntl
import json
import os
import pty
import select
import signal
import sys
import termios
import time
import tty

ROOM = 64 * 1024
LONGEST_RUN_S = 3600


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay-ms", type=int, default=150)
    parser.add_argument("--rate", type=int, default=20_000)
    parser.add_argument("--count", required=True)
    parser.add_argument("program", nargs="+")
    asked = parser.parse_args()
    delay = asked.delay_ms / 1000

    child, master = pty.fork()
    if child == 0:
        os.execvp(asked.program[0], asked.program)

    def resize(*_):
        size = fcntl.ioctl(0, termios.TIOCGWINSZ, b"\0" * 8)
        fcntl.ioctl(master, termios.TIOCSWINSZ, size)

    signal.signal(signal.SIGWINCH, resize)
    resize()
    before = termios.tcgetattr(0)
    tty.setraw(0)
    try:
        carry(master, delay, asked.rate, asked.count)
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)
    os.waitpid(child, 0)


def carry(master, delay, rate, count):
    up, down = collections.deque(), collections.deque()
    waiting = 0
    seen = {"up": 0, "down": 0, "most_waiting_bytes": 0, "most_waiting_s": 0.0}
    may, last = {"up": 0.0, "down": 0.0}, time.monotonic()
    told = None
    begun = last
    while last - begun < LONGEST_RUN_S:
        now = time.monotonic()
        for way in may:
            # at most a twentieth of a second is saved up
            may[way] = min(may[way] + (now - last) * rate, rate / 20)
        last = now
        for way, queue, to in (("up", up, master), ("down", down, 1)):
            while queue and queue[0][0] <= now and may[way] >= 1:
                _, chunk = queue.popleft()
                part, rest = chunk[: int(may[way])], chunk[int(may[way]) :]
                if rest:
                    queue.appendleft((now, rest))
                os.write(to, part)
                may[way] -= len(part)
                seen[way] += len(part)
                if way == "down":
                    waiting -= len(part)
        if told != seen:
            told = dict(seen)
            with open(count + ".new", "w") as file:
                json.dump(seen, file)
            os.replace(count + ".new", count)
        readers = [0] + ([master] if waiting < ROOM else [])
        ready, _, _ = select.select(readers, [], [], 0.005)
        if 0 in ready:
            data = os.read(0, 4096)
            if not data:
                return
            up.append((time.monotonic() + delay, data))
        if master in ready:
            try:
                data = os.read(master, 4096)
            except OSError:
                data = b""
            if not data:
                for _, chunk in down:
                    os.write(1, chunk)
                return
            down.append((time.monotonic() + delay, data))
            waiting += len(data)
            # what the delay alone keeps is no backlog
            backlog = max(0, waiting - int(rate * delay))
            seen["most_waiting_bytes"] = max(seen["most_waiting_bytes"], backlog)
            seen["most_waiting_s"] = round(seen["most_waiting_bytes"] / rate, 2)


if __name__ == "__main__":
    sys.exit(main())
