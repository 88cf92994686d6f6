package store

import (
	"context"
	"time"
)

// AuditEntry says who did what, to what, from where, and how it ended.
type AuditEntry struct {
	ID        string // UUIDv7, so that IDs sort by time
	At        time.Time
	UserID    string // empty: nobody who was recognised
	Username  string // as it was then
	KeyID     string // of the API key that was used; empty: none
	Address   string // where the request came from
	UserAgent string
	Action    string // the operation's ID in the OpenAPI document
	Object    string // its path below /api/v1, without the leading slash
	App       string // the slug of the app it was about; empty: none
	Status    int    // HTTP status of the answer
	Detail    string // what changed, or why it was refused
}

// AuditFilter selects audit entries.
type AuditFilter struct {
	Username string
	App      string
	Action   string
	Refused  bool   // only with a status of 400 or more
	Before   string // entries with a lower ID, for paging back
	After    string // entries with a higher ID
	Oldest   bool   // oldest first, instead of newest first
	Limit    int    // 1 to 1000
}

// Audit keeps the audit log. It can be added to and read; entries leave it by
// age only.
type Audit interface {
	// AppendAudit adds an entry; one with an ID that is there stays as it is.
	AppendAudit(ctx context.Context, e AuditEntry) error
	ListAudit(ctx context.Context, f AuditFilter) ([]AuditEntry, error)
	// PruneAudit removes entries from before the given time.
	PruneAudit(ctx context.Context, before time.Time) (removed int64, err error)
}

type auditKey struct{}

// WithAudit returns a context in which each change of the store carries an
// audit entry: it is appended in the transaction of the first change, or not at
// all when that fails. entry is called in that transaction.
func WithAudit(ctx context.Context, entry func() AuditEntry) context.Context {
	return context.WithValue(ctx, auditKey{}, entry)
}

// AuditOf returns what WithAudit put into the context, or nil.
func AuditOf(ctx context.Context) func() AuditEntry {
	entry, _ := ctx.Value(auditKey{}).(func() AuditEntry)
	return entry
}
