package sqlstore

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picloud/picloud/internal/store"
)

func sample() store.Execution {
	start := time.Date(2026, 3, 1, 12, 0, 0, 123_456_000, time.UTC)
	return store.Execution{
		ID: "019ca950-7b00-7000-8000-000000000001", AppID: "019ca950-7b00-7000-8000-000000000002",
		ScriptID: "019ca950-7b00-7000-8000-000000000003", Script: "hello", Version: 3, Deployment: 4, Trigger: "http",
		Status: store.StatusError, Error: "oh", Method: "GET", Path: "/demo/hello", HTTPStatus: 500, StartedAt: start,
		Duration: 12345, Operations: -1, PeakMemory: 1 << 50, LogsDropped: 2,
		Logs: []store.LogLine{{At: start.Add(-time.Hour), Level: "info", Source: "print", Line: 1, Column: 2, Message: "a\x00b"}, {At: start}},
	}
}

func encode(t testing.TB, e store.Execution) ExecutionRow {
	t.Helper()
	rows, err := EncodeExecutions([]store.Execution{e})
	if err != nil {
		t.Fatal(err)
	}
	return rows[0]
}

func TestRecordRoundTrip(t *testing.T) {
	e := sample()
	got, err := encode(t, e).Execution()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(e, got); diff != "" {
		t.Error(diff)
	}
}

// The estimate must hold, or rows that were cut already would move.
func TestRowsOfABatchDoNotOverlap(t *testing.T) {
	e := sample()
	plain := e
	plain.Logs = nil
	huge := e
	huge.Version, huge.Deployment, huge.Operations, huge.PeakMemory, huge.LogsDropped = -1<<63, -1<<63, -1<<63, -1<<63, -1<<63
	huge.HTTPStatus, huge.Duration = math.MinInt32, -1<<63
	batch := []store.Execution{e, plain, huge, e, huge, huge, plain}
	rows, err := EncodeExecutions(batch)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		got, err := row.Execution()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(batch[i], got); diff != "" {
			t.Errorf("row %d: %s", i, diff)
		}
	}
	for i := range batch {
		if got, most := len(encode(t, batch[i]).Detail)+len(encode(t, batch[i]).Logs)+48, encodedSize(&batch[i]); got > most {
			t.Errorf("execution %d takes %d bytes, the estimate says at most %d", i, got, most)
		}
	}
}

func TestACutRecordIsAnError(t *testing.T) {
	whole := encode(t, sample())
	for n := range len(whole.Detail) {
		row := whole
		row.Detail = whole.Detail[:n]
		if _, err := row.Execution(); !errors.Is(err, errDamaged) {
			t.Errorf("%d bytes of the detail: %v", n, err)
		}
	}
	for n := 1; n < len(whole.Logs); n++ {
		row := whole
		row.Logs = whole.Logs[:n]
		if _, err := row.Execution(); !errors.Is(err, errDamaged) {
			t.Errorf("%d bytes of the log lines: %v", n, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	whole := encode(f, sample())
	f.Add(whole.Detail, whole.Logs)
	f.Add([]byte{recordFormat}, []byte{recordFormat, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, detail, logs []byte) {
		row := whole
		row.Detail, row.Logs = detail, logs
		if e, err := row.Execution(); err == nil && len(e.Logs) > len(logs) {
			t.Errorf("%d log lines from %d bytes", len(e.Logs), len(logs))
		}
	})
}

func TestExecutionIDAt(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 123_000_000, time.UTC)
	if got := ExecutionIDTime(ExecutionIDAt(at)); !got.Equal(at) {
		t.Errorf("got %v, want %v", got, at)
	}
	if got := ExecutionIDTime(ExecutionIDAt(time.Unix(-1, 0))); got.Unix() != 0 {
		t.Errorf("before 1970: %v", got)
	}
}
