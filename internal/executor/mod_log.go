package executor

import (
	"github.com/picloud/picloud/rhai"
)

func (e *Executor) logModule() *rhai.Module {
	m := rhai.NewModule("log").Describe("Writes to the log of the execution, with a level. `print` logs at `info`, `debug` at `debug`. " +
		"An execution can log so many lines and bytes; what is more is counted and dropped.")
	for _, level := range []string{"debug", "info", "warn", "error"} {
		m.Register(
			&rhai.Native{
				Name: level, Params: params(anyParam("message")), Returns: "()", Effects: rhai.Volatile,
				Doc:     "Logs a message at the level `" + level + "`. A value that is not text is written as JSON.",
				Example: "log::" + level + `("3 orders left") // null`,
				Fn: func(c *rhai.Call) (rhai.Value, error) {
					return rhai.Value{}, e.log(c, level, "")
				},
			},
			&rhai.Native{
				Name: level, Params: params(textParam("message"), param("data", rhai.TMap)), Returns: "()", Effects: rhai.Volatile,
				Doc:     "Logs a message and, behind it, data as JSON.",
				Example: "log::" + level + `("order", #{ id: 7 }) // null`,
				Fn: func(c *rhai.Call) (rhai.Value, error) {
					more, err := loggable(c, c.Arg(1))
					if err != nil {
						return rhai.Value{}, err
					}
					return rhai.Value{}, e.log(c, level, " "+more)
				},
			},
		)
	}
	return m
}

func (e *Executor) log(c *rhai.Call, level, more string) error {
	message, err := loggable(c, c.Arg(0))
	if err != nil {
		return err
	}
	if r := runOf(c.Context()); r != nil {
		r.logs.add(e.now(), level, "log", message+more, c.Position())
	}
	return nil
}

// maxLogValue bounds what one value adds to the log, in bytes.
const maxLogValue = 64 << 10

// loggable is a value as the log shows it.
func loggable(c *rhai.Call, v rhai.Value) (string, error) {
	switch v.Kind() {
	case rhai.KindArray, rhai.KindMap, rhai.KindBlob:
		b, err := writeJSON(v, maxLogValue, 0)
		if err != nil {
			return "(" + err.Error() + ")", work(c, maxLogValue)
		}
		return string(b), work(c, len(b))
	}
	s := v.String()
	return s, work(c, len(s))
}
