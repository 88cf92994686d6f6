package sqlstore

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
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

// calling is sample with outbound calls.
func calling() store.Execution {
	e := sample()
	e.Calls = []store.Call{{At: e.StartedAt.Add(time.Second), Method: "POST", Host: "api.example.com:8443", Status: 201, Duration: 77, Error: ""}, {At: e.StartedAt, Error: "no"}}
	e.CallsDropped = 3
	return e
}

// delivering is sample with events.
func delivering() store.Execution {
	e := calling()
	e.Trigger, e.EventSource = "queue", "emails"
	e.EventIDs = []string{"019ca950-7b00-7000-8000-000000000009", "no UUID", "019CA950-7B00-7000-8000-000000000009"}
	return e
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
	silent := calling()
	silent.Logs = nil
	for _, e := range []store.Execution{sample(), calling(), silent, delivering()} {
		got, err := encode(t, e).Executions()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]store.Execution{e}, got); diff != "" {
			t.Error(diff)
		}
	}
}

// A row holds what shares script, status and second, and no more than its
// bounds; the same batch makes the same rows in whatever order it comes.
func TestRows(t *testing.T) {
	base := sample()
	base.Logs, base.Status = nil, store.StatusOK
	at := func(ms, n int) store.Execution {
		e := base
		e.ID = fmt.Sprintf("%08x-%04x-7000-8000-%012x", 0x019ca950, ms, n)
		return e
	}
	var batch []store.Execution
	for i := range 200 {
		e := at(i%2, i)
		if i%10 == 9 {
			e.Status = store.StatusError
		}
		if i%50 == 0 {
			e.Logs = sample().Logs
		}
		if i%70 == 0 {
			e.Calls = calling().Calls
		}
		if i%10 == 9 && i%20 == 9 {
			e.EventIDs, e.EventSource = delivering().EventIDs, "emails"
		}
		batch = append(batch, e)
	}
	later, long := at(60_000, 1), at(60_000, 2)
	long.Path = "/" + strings.Repeat("x", maxRowBytes)
	after := at(60_000, 3)
	batch = append(batch, later, long, after)

	rows, err := EncodeExecutions(batch)
	if err != nil {
		t.Fatal(err)
	}
	var counts []int64
	var back []store.Execution
	for _, row := range rows {
		counts = append(counts, row.Count)
		list, err := row.Executions()
		if err != nil {
			t.Fatal(err)
		}
		if list[0].ID != uuidText(row.FirstID) || list[len(list)-1].ID != uuidText(row.ID) {
			t.Errorf("a row from %s to %s holds %s to %s", uuidText(row.FirstID), uuidText(row.ID), list[0].ID, list[len(list)-1].ID)
		}
		back = append(back, list...)
	}
	if diff := cmp.Diff([]int64{10, 10, 64, 64, 52, 2, 1}, counts); diff != "" {
		t.Errorf("executions a row: %s", diff)
	}
	byID := func(a, b store.Execution) int { return strings.Compare(a.ID, b.ID) }
	slices.SortFunc(back, byID)
	slices.SortFunc(batch, byID)
	if diff := cmp.Diff(batch, back); diff != "" {
		t.Error(diff)
	}
	again, err := EncodeExecutions(batch)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rows, again); diff != "" {
		t.Errorf("the same batch in another order: %s", diff)
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
	far := calling()
	far.Calls[0].At, far.Calls[0].Duration, far.Calls[0].Status, far.CallsDropped = time.UnixMicro(-1<<60).UTC(), -1<<63, math.MinInt32, -1<<63
	batch := []store.Execution{e, plain, huge, e, delivering(), far, huge, plain}
	for i := range batch {
		batch[i].ScriptID = fmt.Sprintf("019ca950-7b00-7000-8000-00000000000%d", i) // a row each
	}
	rows, err := EncodeExecutions(batch)
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		got, err := row.Executions()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(batch[i:i+1], got); diff != "" {
			t.Errorf("row %d: %s", i, diff)
		}
	}
	for i := range batch {
		if got, most := len(encode(t, batch[i]).Detail)+len(encode(t, batch[i]).Logs)+32, encodedSize(&batch[i]); got > most {
			t.Errorf("execution %d takes %d bytes, the estimate says at most %d", i, got, most)
		}
	}
}

func TestACutRecordIsAnError(t *testing.T) {
	whole := encode(t, delivering())
	for n := range len(whole.Detail) {
		row := whole
		row.Detail = whole.Detail[:n]
		if _, err := row.Executions(); !errors.Is(err, errDamaged) {
			t.Errorf("%d bytes of the detail: %v", n, err)
		}
	}
	for n := 1; n < len(whole.Logs); n++ {
		row := whole
		row.Logs = whole.Logs[:n]
		if _, err := row.Executions(); !errors.Is(err, errDamaged) {
			t.Errorf("%d bytes of the log lines: %v", n, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	whole := encode(f, sample())
	f.Add(whole.Detail, whole.Logs)
	called := encode(f, calling())
	f.Add(called.Detail, called.Logs)
	delivered := encode(f, delivering())
	f.Add(delivered.Detail, delivered.Logs)
	f.Add([]byte{recordFormat}, []byte{recordFormat, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, detail, logs []byte) {
		row := whole
		row.Detail, row.Logs = detail, logs
		list, err := row.Executions()
		if err != nil {
			return
		}
		for _, e := range list {
			if len(e.Logs) > len(logs) {
				t.Errorf("%d log lines from %d bytes", len(e.Logs), len(logs))
			}
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
