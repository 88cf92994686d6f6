package rhai

import "time"

// Time comes from the engine's clock only, so that a host can record and replay it.

var timeBuiltins = []builtin{
	{
		"timestamp() -> timestamp", "Returns the current time.", `type_of(timestamp()) // "timestamp"`, Volatile,
		func(c *Call) (Value, error) { return timestamp(c.now()), nil },
	},
	{
		"elapsed|get$elapsed(time: timestamp) -> f64", "Returns the seconds since a time.", `timestamp().elapsed >= 0.0 // true`, Volatile,
		func(c *Call) (Value, error) {
			d := c.now() - c.Arg(0).int()
			if d < 0 {
				return Value{}, errArithmetic("Time-stamp is later than now")
			}
			return Float(float64(d) / 1e9), nil
		},
	},
	{"sleep(seconds: i64|f64) -> ()", "Waits for a number of seconds.", `sleep(0) // ()`, Volatile, libSleep},
}

func (c *Call) now() int64 { return c.vm.eng.clock.Now(c.Context()).UnixNano() }

func libSleep(c *Call) (Value, error) {
	s := asNumber(c.Arg(0))
	if !(s > 0) {
		return Value{}, nil
	}
	const longest = 1<<63 - 1
	d := time.Duration(longest)
	if s < longest/1e9 {
		d = time.Duration(float64(s * 1e9))
	}
	if err := c.vm.eng.clock.Sleep(c.Context(), d); err != nil {
		return Value{}, &Error{Kind: ErrTerminated, inner: err}
	}
	return Value{}, nil
}
