package sqlstore

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/picloud/picloud/internal/store"
)

// A row keeps executions of one script that ended alike and began within one
// second, up to a bound: at thousands of executions a second each row costs, and
// each entry of an index. What is searched is in columns, the rest in two byte
// strings: detail, and the log lines if there are any. Both begin with a format
// number and hold the executions in the order of their IDs; integers are
// varints, text has its length before it.
//
// Executions that handled events are in rows of their own, with the events behind
// each; the log lines have the outbound calls behind those of each execution if
// there are any in the row. The format number tells.
//
// An ID must be a UUIDv7, because executions are ordered, pruned and partitioned
// by it. A row goes by its highest.
const (
	recordFormat = 1
	callsFormat  = 2 // of the log lines, with calls
	eventsFormat = 2 // of the detail, with events
)

// Bounds of a row. By maxRowBytes a row is full, so one may be larger by an
// execution.
const (
	maxRowExecutions = 64
	maxRowBytes      = 16 << 10
)

var errDamaged = errors.New("the record of an execution is damaged")

// ExecutionIDAt returns the bound between the IDs made before t and those made
// later: a UUIDv7 begins with 48 bits of Unix milliseconds (RFC 9562, section 5.7).
func ExecutionIDAt(t time.Time) []byte {
	id := make([]byte, 16)
	binary.BigEndian.PutUint64(id, uint64(max(t.UnixMilli(), 0))<<16)
	return id
}

// ExecutionIDTime returns when an ID was made, to the millisecond.
func ExecutionIDTime(id []byte) time.Time {
	return time.UnixMilli(int64(binary.BigEndian.Uint64(id) >> 16)).UTC()
}

// endOfSecond returns the bound between the IDs made in the second of id, or
// earlier, and those made later.
func endOfSecond(id []byte) []byte {
	return ExecutionIDAt(ExecutionIDTime(id).Truncate(time.Second).Add(time.Second))
}

// ExecutionRow is a row of the table executions.
type ExecutionRow struct {
	ID, FirstID     []byte // the highest and the lowest of the row's
	Count           int64
	AppID, ScriptID []byte
	Status          string
	Detail, Logs    []byte
}

// EncodeExecutions makes the rows of a batch, the same ones each time. They
// share memory.
func EncodeExecutions(batch []store.Execution) ([]ExecutionRow, error) {
	size := 0
	order := make([]*store.Execution, len(batch))
	for i := range batch {
		order[i] = &batch[i]
		size += encodedSize(&batch[i])
	}
	// Executions end in about the order in which they began.
	slices.SortStableFunc(order, func(a, b *store.Execution) int {
		return cmp.Or(cmp.Compare(a.AppID, b.AppID), cmp.Compare(a.ScriptID, b.ScriptID),
			cmp.Compare(a.Status, b.Status), compareEvents(a, b), cmp.Compare(a.ID, b.ID))
	})
	// Enough for all, so that what is cut from it never moves.
	b := make(encoder, 0, size)
	var rows []ExecutionRow
	for rest := order; len(rest) > 0; {
		row, n, err := b.row(rest)
		if err != nil {
			return nil, err
		}
		rows, rest = append(rows, row), rest[n:]
	}
	return rows, nil
}

// row makes a row of the first executions of list and returns how many.
func (b *encoder) row(list []*store.Execution) (row ExecutionRow, n int, err error) {
	first := list[0]
	row.Status = string(first.Status)
	if row.AppID, err = b.id(parseUUID("app", first.AppID)); err != nil {
		return row, 0, err
	}
	if row.ScriptID, err = b.id(parseUUID("script", first.ScriptID)); err != nil {
		return row, 0, err
	}
	row.Logs = []byte{}
	logged, called := false, false
	var end []byte
	start := len(*b)
	events := ofEvents(first)
	if events {
		*b = append(*b, eventsFormat)
	} else {
		*b = append(*b, recordFormat)
	}
	for _, e := range list {
		if ofEvents(e) != events || e.AppID != first.AppID || e.ScriptID != first.ScriptID || e.Status != first.Status ||
			n == maxRowExecutions || len(*b)-start >= maxRowBytes {
			break
		}
		id, err := parseExecutionID(e.ID)
		if err != nil {
			return row, 0, err
		}
		if n > 0 && bytes.Compare(id[:], end) >= 0 {
			break
		}
		row.ID, _ = b.id(id, nil)
		if n == 0 {
			row.FirstID, end = row.ID, endOfSecond(row.ID)
		}
		b.detail(e)
		if events {
			b.events(e)
		}
		logged = logged || len(e.Logs) > 0
		called = called || len(e.Calls) > 0 || e.CallsDropped != 0
		n++
	}
	row.Detail = (*b)[start:len(*b):len(*b)]
	row.Count = int64(n)
	if logged || called {
		row.Logs = b.cut(func() {
			if called {
				*b = append(*b, callsFormat)
			} else {
				*b = append(*b, recordFormat)
			}
			for _, e := range list[:n] {
				b.logs(e)
				if called {
					b.calls(e)
				}
			}
		})
	}
	return row, n, nil
}

// encodedSize is at least what e takes in a row, and a row besides.
func encodedSize(e *store.Execution) int {
	const integer = binary.MaxVarintLen64
	size := 4*16 + 2 + 15*integer + len(e.Script) + len(e.Trigger) + len(e.Error) + len(e.Method) + len(e.Path)
	for i := range e.Logs {
		l := &e.Logs[i]
		size += 6*integer + len(l.Level) + len(l.Source) + len(l.Message)
	}
	size += 2*integer + len(e.EventSource) // how many events, and their source
	for _, id := range e.EventIDs {
		size += 1 + integer + len(id)
	}
	size += 2 * integer // how many calls, and how many were dropped
	for i := range e.Calls {
		c := &e.Calls[i]
		size += 6*integer + len(c.Method) + len(c.Host) + len(c.Error)
	}
	return size
}

func parseExecutionID(id string) (uuid.UUID, error) {
	u, err := uuid.Parse(id)
	if err != nil || u.Version() != 7 {
		return u, fmt.Errorf("%w: the execution ID %q is not a UUIDv7", store.ErrInvalid, id)
	}
	return u, nil
}

func parseUUID(what, id string) (uuid.UUID, error) {
	u, err := uuid.Parse(id)
	if err != nil {
		return u, fmt.Errorf("%w: the %s ID %q is not a UUID", store.ErrInvalid, what, id)
	}
	return u, nil
}

// id appends an ID, unless it is an error, and returns what it appended.
func (b *encoder) id(u uuid.UUID, err error) ([]byte, error) {
	return b.cut(func() { *b = append(*b, u[:]...) }), err
}

// cut returns what f appends.
func (b *encoder) cut(f func()) []byte {
	start := len(*b)
	f()
	return (*b)[start:len(*b):len(*b)]
}

func (b *encoder) detail(e *store.Execution) {
	b.text(e.Script)
	b.int(e.Version)
	b.int(e.Deployment)
	b.text(e.Trigger)
	b.text(e.Error)
	b.text(e.Method)
	b.text(e.Path)
	b.int(int64(e.HTTPStatus))
	b.int(micros(e.StartedAt))
	b.int(int64(e.Duration))
	b.int(e.Operations)
	b.int(e.PeakMemory)
	b.int(e.LogsDropped)
}

// ofEvents reports whether there is something of events to keep.
func ofEvents(e *store.Execution) bool { return len(e.EventIDs) > 0 || e.EventSource != "" }

// compareEvents puts executions without events first.
func compareEvents(a, b *store.Execution) int {
	switch with := ofEvents(a); {
	case with == ofEvents(b):
		return 0
	case with:
		return 1
	}
	return -1
}

func (b *encoder) events(e *store.Execution) {
	b.text(e.EventSource)
	b.int(int64(len(e.EventIDs)))
	for _, id := range e.EventIDs {
		// In 17 bytes if it is a UUID, as it mostly is.
		if u, err := uuid.Parse(id); err == nil && u.String() == id {
			*b = append(append(*b, 1), u[:]...)
		} else {
			*b = append(*b, 0)
			b.text(id)
		}
	}
}

func (b *encoder) logs(e *store.Execution) {
	b.int(int64(len(e.Logs)))
	started := micros(e.StartedAt)
	for i := range e.Logs {
		l := &e.Logs[i]
		b.int(micros(l.At) - started)
		b.text(l.Level)
		b.text(l.Source)
		b.int(int64(l.Line))
		b.int(int64(l.Column))
		b.text(l.Message)
	}
}

func (b *encoder) calls(e *store.Execution) {
	b.int(int64(len(e.Calls)))
	b.int(e.CallsDropped)
	started := micros(e.StartedAt)
	for i := range e.Calls {
		c := &e.Calls[i]
		b.int(micros(c.At) - started)
		b.text(c.Method)
		b.text(c.Host)
		b.int(int64(c.Status))
		b.int(int64(c.Duration))
		b.text(c.Error)
	}
}

// Executions decodes the row, the lowest ID first; without the logs if they were
// not read.
func (row ExecutionRow) Executions() ([]store.Execution, error) {
	damaged := fmt.Errorf("%w: %s", errDamaged, uuidText(row.ID))
	if row.Count < 1 || row.Count > int64(len(row.Detail)) {
		return nil, damaged
	}
	list := make([]store.Execution, row.Count)
	d, events := newDecoder(row.Detail, eventsFormat)
	app, script := uuidText(row.AppID), uuidText(row.ScriptID)
	for i := range list {
		e := &list[i]
		e.ID, e.AppID, e.ScriptID, e.Status = uuidText(d.id()), app, script, store.Status(row.Status)
		d.detail(e)
		if events {
			d.events(e)
		}
	}
	if d.failed || len(d.rest) > 0 {
		return nil, damaged
	}
	if len(row.Logs) == 0 {
		return list, nil
	}
	d, called := newDecoder(row.Logs, callsFormat)
	for i := range list {
		d.logs(&list[i])
		if called {
			d.calls(&list[i])
		}
	}
	if d.failed || len(d.rest) > 0 {
		return nil, damaged
	}
	return list, nil
}

func (d *decoder) detail(e *store.Execution) {
	e.Script = d.text()
	e.Version = d.int()
	e.Deployment = d.int()
	e.Trigger = d.text()
	e.Error = d.text()
	e.Method = d.text()
	e.Path = d.text()
	e.HTTPStatus = int(d.int())
	e.StartedAt = fromMicros(d.int())
	e.Duration = time.Duration(d.int())
	e.Operations = d.int()
	e.PeakMemory = d.int()
	e.LogsDropped = d.int()
}

func (d *decoder) events(e *store.Execution) {
	e.EventSource = d.text()
	n := d.int()
	// An ID takes at least two bytes.
	if n < 0 || n > int64(len(d.rest)/2) {
		d.fail()
	}
	if d.failed || n == 0 {
		return
	}
	e.EventIDs = make([]string, n)
	for i := range e.EventIDs {
		switch d.byte() {
		case 0:
			e.EventIDs[i] = d.text()
		case 1:
			e.EventIDs[i] = uuidText(d.id())
		default:
			d.fail()
		}
	}
}

func (d *decoder) logs(e *store.Execution) {
	n := d.int()
	// A line takes at least six bytes.
	if n < 0 || n > int64(len(d.rest)/6) {
		d.fail()
	}
	if d.failed || n == 0 {
		return
	}
	started := micros(e.StartedAt)
	e.Logs = make([]store.LogLine, n)
	for i := range e.Logs {
		l := &e.Logs[i]
		l.At = fromMicros(started + d.int())
		l.Level = d.text()
		l.Source = d.text()
		l.Line = int(d.int())
		l.Column = int(d.int())
		l.Message = d.text()
	}
}

func (d *decoder) calls(e *store.Execution) {
	n := d.int()
	e.CallsDropped = d.int()
	// A call takes at least six bytes.
	if n < 0 || n > int64(len(d.rest)/6) {
		d.fail()
	}
	if d.failed || n == 0 {
		return
	}
	started := micros(e.StartedAt)
	e.Calls = make([]store.Call, n)
	for i := range e.Calls {
		c := &e.Calls[i]
		c.At = fromMicros(started + d.int())
		c.Method = d.text()
		c.Host = d.text()
		c.Status = int(d.int())
		c.Duration = time.Duration(d.int())
		c.Error = d.text()
	}
}

func uuidText(b []byte) string {
	u, err := uuid.FromBytes(b)
	if err != nil {
		return fmt.Sprintf("%x", b)
	}
	return u.String()
}

type encoder []byte

func (b *encoder) int(n int64) { *b = binary.AppendVarint(*b, n) }

func (b *encoder) text(s string) {
	*b = binary.AppendUvarint(*b, uint64(len(s)))
	*b = append(*b, s...)
}

// decoder reads what encoder wrote. After the first failure it gives zeros.
type decoder struct {
	rest   []byte
	failed bool
}

// newDecoder reads what begins with a format number: recordFormat, or another one
// that has more.
func newDecoder(b []byte, other byte) (d *decoder, more bool) {
	if len(b) == 0 || b[0] != recordFormat && b[0] != other {
		return &decoder{failed: true}, false
	}
	return &decoder{rest: b[1:]}, b[0] == other
}

func (d *decoder) fail() { d.failed, d.rest = true, nil }

func (d *decoder) byte() byte {
	if len(d.rest) == 0 {
		d.fail()
		return 0
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b
}

func (d *decoder) id() []byte {
	if len(d.rest) < len(uuid.UUID{}) {
		d.fail()
		return nil
	}
	id := d.rest[:len(uuid.UUID{})]
	d.rest = d.rest[len(id):]
	return id
}

func (d *decoder) int() int64 {
	n, size := binary.Varint(d.rest)
	if size <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

func (d *decoder) text() string {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 || n > uint64(len(d.rest)-size) {
		d.fail()
		return ""
	}
	s := string(d.rest[size : size+int(n)])
	d.rest = d.rest[size+int(n):]
	return s
}
