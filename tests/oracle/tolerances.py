"""Every number by which a rule is more lenient than the words of the contract, each with its reason."""

# The control period that these numbers count; World.slower_s is what a longer one adds.
PERIOD_S = 0.02

# The contract: a reaction takes one more control period. docs/safety.md: a setpoint is on the wire
# within 0.2 s. A frame of a setpoint is 10 bytes at 2400 baud (vebus-mk3.md#1, #7): 42 ms until its
# last byte is there.
ARRIVAL_S = PERIOD_S + 0.2 + 0.06

# A setpoint may be written until the end of its life (I6): its frame, as above.
LATEST_S = 0.06

# Two words that say the same: rounded on both sides.
SAME_W = 1.5

# For as long as that after noise on a bus a word of it may be the noise's.
NOISE_S = 1.0

# By then the inverter has got the setpoint that answers to a failure. The tests that docs/safety.md
# names for the stops say "within 4 s" of a loss that is known after 3 s.
HELD_S = 1.0

# The contract, F1: ramped over at most 1 s.
SOFT_STOP_S = 1.0

# Power that is called 0 W at the battery: what the unit uses itself (docs/safety.md F7), the
# agreement that F27 asks of the word for AC-out, and the rounding of both words to 1 W.
REST_W = 50.0

# The hub's newest word for AC-out: powers come 1.0 s apart at worst and a setpoint is on the wire
# within 0.2 s (docs/safety.md, under the failures); the answer takes 0.3 s of a wire with 2400
# baud.
AC_OUT_AGE_S = 1.5

# While the inverter's own word for AC-out is wrong (F27): its test allows 100 W by it.
AC_OUT_WORD_W = 100.0

# docs/safety.md, F18 and F28: by SLCAN, whose frames have no checksum, a larger rise of the state of
# charge, or a larger change of the temperature, counts when it is told twice.
JUMP_PCT = 1.0
JUMP_K = 1.0

# Between the two; the first agrees already (F18).
TOLD_TWICE_S = 1.0

# A time of which the hub counts the end in its own ticks, and rounding to them.
TICK_S = 0.05

# AC power against DC current: CCL times a voltage that both sides know to 0.01 V, and powers to 1 W.
LIMIT_SHARE = 0.01

# A cap of the grid connection: the meter's error and the noise of the house between two of its answers.
CAP_W = 100.0

# What is told must be told by then: the control's tick, and what the rule waits for besides.
TOLD_S = 1.0

# After a start, a source that was never heard is told by then.
NEVER_HEARD_S = 15.0

# A cause that ended may still be told: the longest clearing time of the contract that is no hour
# (F28 none, F30 30 s, F3 60 s, F13 60 s) and a frame.
EXCUSE_S = 65.0

# After a fault of a wire the handshake is made anew (F6), with back-off; nobody promises how long
# it takes.
HANDSHAKE_S = 15.0

# A body that follows a setpoint does so with its ramp and, before it, the unit's own first-order lag.
LAG_S = 1.0

# A sample of the judge itself.
SAMPLE_S = 0.2

# A value near its limit: this share of it.
NEAR = 0.9
