package logs

import (
	"fmt"
	"strconv"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/output"
)

// row is an execution, or one line or call of it.
type row struct {
	e    *client.Execution
	line *client.LogLine // nil for the execution itself and for a call
	call *client.Call    // nil for the execution itself and for a line
}

func rowsOf(e *client.Execution) []row {
	rows := []row{{e: e}}
	lines, calls := e.Logs, e.Calls
	for len(lines)+len(calls) > 0 {
		// A call began before a line that came at the same moment.
		if len(lines) == 0 || len(calls) > 0 && !lines[0].At.Before(calls[0].At) {
			rows, calls = append(rows, row{e: e, call: &calls[0]}), calls[1:]
		} else {
			rows, lines = append(rows, row{e: e, line: &lines[0]}), lines[1:]
		}
	}
	return rows
}

func columns(w *output.Writer) []output.Column[row] {
	if w.Format == output.TSV {
		return tsvColumns
	}
	return tableColumns
}

// longestLine is how many columns a table gives a line that was logged: enough for
// what a person reads, and not for what a script dumps. TSV and JSON have it whole.
const longestLine = 400

// tableColumns show an execution on a line of its own and below it why it
// failed, whole, and what it logged.
var tableColumns = []output.Column[row]{
	{Name: "time", MinWidth: len("2006-01-02T15:04:05.000Z"), Value: func(r row) string {
		return r.own(output.TimeMillis(r.e.StartedAt))
	}},
	{Name: "script", MinWidth: 12, Value: func(r row) string { return r.own(r.e.Script) }},
	{Name: "status", MinWidth: len("cancelled"), Value: func(r row) string { return r.own(string(r.e.Status)) }, Color: statusColor},
	{Name: "http", MinWidth: 4, Value: func(r row) string { return r.own(count(r.e.HTTPStatus)) }},
	{Name: "duration", MinWidth: 10, Value: func(r row) string { return r.own(millis(r.e.DurationUs) + " ms") }},
	{Name: "error", Below: true, Value: func(r row) string { return r.own(r.e.Error) }, Color: statusColor},
	{Name: "dropped", Below: true, Value: func(r row) string {
		if r.e.LogsDropped == 0 {
			return ""
		}
		return r.own(fmt.Sprintf("%d log lines over the limit were dropped", r.e.LogsDropped))
	}, Color: func(row) output.Color { return output.Yellow }},
	{Name: "calls_dropped", Below: true, Value: func(r row) string {
		if r.e.CallsDropped == 0 {
			return ""
		}
		return r.own(fmt.Sprintf("%d more calls", r.e.CallsDropped))
	}, Color: func(row) output.Color { return output.Yellow }},
	{Name: "line", Below: true, Most: longestLine, Value: func(r row) string {
		if r.call != nil {
			return "call " + described(r.call) + ", " + millis(r.call.DurationUs) + " ms"
		}
		if r.line == nil {
			return ""
		}
		return fmt.Sprintf("%s %s", r.line.Level, withPosition(r.line))
	}, Color: levelColor},
}

// tsvColumns repeat the execution's columns on each line, so that every line
// can be filtered by itself. The header is part of pic's interface.
var tsvColumns = []output.Column[row]{
	{Name: "kind", Value: func(r row) string {
		switch {
		case r.line != nil:
			return "line"
		case r.call != nil:
			return "call"
		}
		return "execution"
	}},
	{Name: "time", Value: func(r row) string {
		switch {
		case r.line != nil:
			return output.TimeMillis(r.line.At)
		case r.call != nil:
			return output.TimeMillis(r.call.At)
		}
		return output.TimeMillis(r.e.StartedAt)
	}},
	{Name: "script", Value: func(r row) string { return r.e.Script }},
	{Name: "version", Value: func(r row) string { return strconv.FormatInt(r.e.Version, 10) }},
	{Name: "trigger", Value: func(r row) string { return r.e.Trigger }},
	{Name: "status", Value: func(r row) string { return string(r.e.Status) }},
	{Name: "http_status", Value: func(r row) string {
		if r.call != nil {
			return count(r.call.Status)
		}
		return count(r.e.HTTPStatus)
	}},
	{Name: "duration_ms", Value: func(r row) string {
		if r.call != nil {
			return millis(r.call.DurationUs)
		}
		return millis(r.e.DurationUs)
	}},
	{Name: "level", Value: func(r row) string {
		if r.line == nil {
			return ""
		}
		return string(r.line.Level)
	}},
	{Name: "position", Value: func(r row) string {
		if r.line == nil {
			return ""
		}
		return position(r.line)
	}},
	{Name: "message", Value: func(r row) string {
		switch {
		case r.line != nil:
			return r.line.Message
		case r.call != nil:
			return described(r.call)
		}
		return r.e.Error
	}},
	{Name: "execution", Value: func(r row) string { return r.e.ID }},
	{Name: "logs_dropped", Value: func(r row) string { return count(r.e.LogsDropped) }},
}

// own returns a value of the execution for the execution's own row.
func (r row) own(v string) string {
	if r.line != nil || r.call != nil {
		return ""
	}
	return v
}

// described writes a call in words: what was asked whom, and how that ended.
func described(c *client.Call) string {
	text := c.Method + " " + c.Host
	if c.Status > 0 {
		text += " " + count(c.Status)
	}
	if c.Error != "" {
		text += ": " + c.Error
	}
	return text
}

func statusColor(r row) output.Color {
	switch {
	case r.line != nil || r.call != nil:
		return output.Plain
	case r.e.Status == "ok":
		return output.Green
	case r.e.Status == "rejected" || r.e.Status == "cancelled":
		return output.Yellow
	}
	return output.Red
}

func levelColor(r row) output.Color {
	if r.call != nil && r.call.Error != "" {
		return output.Red
	}
	if r.line == nil {
		return output.Plain
	}
	switch r.line.Level {
	case "error":
		return output.Red
	case "warn":
		return output.Yellow
	case "debug":
		return output.Dim
	}
	return output.Plain
}

func withPosition(l *client.LogLine) string {
	if p := position(l); p != "" {
		return p + " " + l.Message
	}
	return l.Message
}

// position returns where in the script a line was logged, "" if unknown.
func position(l *client.LogLine) string {
	if l.Line == 0 {
		return ""
	}
	return fmt.Sprintf("%d:%d", l.Line, l.Column)
}

// millis writes microseconds as milliseconds.
func millis(us int64) string { return strconv.FormatFloat(float64(us)/1000, 'f', 3, 64) }

// count writes a number that is absent when it is 0.
func count(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}
