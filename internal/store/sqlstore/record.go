package sqlstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/picloud/picloud/internal/store"
)

// An execution's row keeps what is searched in columns and the rest in two
// byte strings, its detail and its log lines: at thousands of executions a
// second each column costs. Both begin with a format number; integers are
// varints, text has its length before it.
//
// An ID must be a UUIDv7, because executions are ordered, pruned and partitioned
// by it.
const recordFormat = 1

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

// ExecutionRow is an execution as the columns of the table executions.
type ExecutionRow struct {
	ID, AppID, ScriptID []byte
	Status              string
	Detail, Logs        []byte
}

// EncodeExecutions makes the rows of a batch. They share memory.
func EncodeExecutions(batch []store.Execution) ([]ExecutionRow, error) {
	size := 0
	for i := range batch {
		size += encodedSize(&batch[i])
	}
	// Enough for all, so that what is cut from it never moves.
	b := make(encoder, 0, size)
	rows := make([]ExecutionRow, len(batch))
	for i := range batch {
		e, row := &batch[i], &rows[i]
		row.Status = string(e.Status)
		var err error
		if row.ID, err = b.id(parseExecutionID(e.ID)); err != nil {
			return nil, err
		}
		// Batches are mostly of few scripts.
		if i > 0 && e.AppID == batch[i-1].AppID {
			row.AppID = rows[i-1].AppID
		} else if row.AppID, err = b.id(parseUUID("app", e.AppID)); err != nil {
			return nil, err
		}
		if i > 0 && e.ScriptID == batch[i-1].ScriptID {
			row.ScriptID = rows[i-1].ScriptID
		} else if row.ScriptID, err = b.id(parseUUID("script", e.ScriptID)); err != nil {
			return nil, err
		}
		row.Detail = b.cut(func() { b.detail(e) })
		row.Logs = b.cut(func() { b.logs(e) })
	}
	return rows, nil
}

// encodedSize is at least what the row of e takes.
func encodedSize(e *store.Execution) int {
	const integer = binary.MaxVarintLen64
	size := 3*16 + 2 + 15*integer + len(e.Script) + len(e.Trigger) + len(e.Error) + len(e.Method) + len(e.Path)
	for i := range e.Logs {
		l := &e.Logs[i]
		size += 6*integer + len(l.Level) + len(l.Source) + len(l.Message)
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
	*b = append(*b, recordFormat)
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

// logs appends nothing for an execution without lines.
func (b *encoder) logs(e *store.Execution) {
	if len(e.Logs) == 0 {
		return
	}
	*b = append(*b, recordFormat)
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

// Execution decodes the row; without its logs if they were not read.
func (row ExecutionRow) Execution() (store.Execution, error) {
	e := store.Execution{
		ID: uuidText(row.ID), AppID: uuidText(row.AppID), ScriptID: uuidText(row.ScriptID),
		Status: store.Status(row.Status),
	}
	d := newDecoder(row.Detail)
	e.Script = d.text()
	e.Version = d.int()
	e.Deployment = d.int()
	e.Trigger = d.text()
	e.Error = d.text()
	e.Method = d.text()
	e.Path = d.text()
	e.HTTPStatus = int(d.int())
	started := d.int()
	e.StartedAt = fromMicros(started)
	e.Duration = time.Duration(d.int())
	e.Operations = d.int()
	e.PeakMemory = d.int()
	e.LogsDropped = d.int()
	if d.failed {
		return e, fmt.Errorf("%w: %s", errDamaged, e.ID)
	}
	if len(row.Logs) == 0 {
		return e, nil
	}
	d = newDecoder(row.Logs)
	n := d.int()
	// A line takes at least six bytes.
	if d.failed || n < 0 || n > int64(len(row.Logs)/6) {
		return e, fmt.Errorf("%w: %s", errDamaged, e.ID)
	}
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
	if d.failed {
		return e, fmt.Errorf("%w: %s", errDamaged, e.ID)
	}
	return e, nil
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

func newDecoder(b []byte) *decoder {
	if len(b) == 0 || b[0] != recordFormat {
		return &decoder{failed: true}
	}
	return &decoder{rest: b[1:]}
}

func (d *decoder) int() int64 {
	n, size := binary.Varint(d.rest)
	if size <= 0 {
		d.failed, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

func (d *decoder) text() string {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 || n > uint64(len(d.rest)-size) {
		d.failed, d.rest = true, nil
		return ""
	}
	s := string(d.rest[size : size+int(n)])
	d.rest = d.rest[size+int(n):]
	return s
}
