// Package audit shows the audit log: who did what, and what was refused.
package audit

import (
	"context"
	"net/http"
	"time"

	"github.com/picloud/picloud/internal/auth"
	"github.com/picloud/picloud/internal/manager/api"
	"github.com/picloud/picloud/internal/store"
)

// AuditEntry says who did what, to what, from where, and how it ended.
type AuditEntry struct {
	ID        string    `json:"id" doc:"IDs sort by time"`
	At        time.Time `json:"at"`
	Username  string    `json:"username,omitempty" doc:"Who it was, by the name of then; absent: nobody who was recognised"`
	APIKey    string    `json:"api_key,omitempty" doc:"ID of the API key that was used"`
	Address   string    `json:"address" doc:"Where the request came from"`
	UserAgent string    `json:"user_agent,omitempty"`
	Action    string    `json:"action" doc:"The operation's ID in this document" example:"deployScript"`
	Object    string    `json:"object" doc:"Its path below /api/v1" example:"apps/demo/scripts/hello"`
	App       string    `json:"app,omitempty" doc:"The slug of the app it was about"`
	Status    int       `json:"status" doc:"Of the answer; 400 and more: refused, or failed"`
	Detail    string    `json:"detail,omitempty" doc:"What changed, or why it was refused"`
}

func of(e store.AuditEntry) AuditEntry {
	return AuditEntry{
		ID: e.ID, At: e.At, Username: e.Username, APIKey: e.KeyID, Address: e.Address, UserAgent: e.UserAgent,
		Action: e.Action, Object: e.Object, App: e.App, Status: e.Status, Detail: e.Detail,
	}
}

// Register adds the operation.
func Register(a *api.API, st store.Audit) {
	type output struct{ Body api.List[AuditEntry] }
	api.Register(a, api.Op{
		ID: "listAudit", Method: http.MethodGet, Path: "/audit", Tag: "audit", Action: auth.ViewAudit,
		Summary: "Read the audit log, newest first",
		Description: "Every change and every refused attempt. Of attempts by nobody who was recognised only a limited number is kept. " +
			"To page pass next as before, or as after with oldest.",
	}, func(ctx context.Context, in *struct {
		User    string    `query:"user" maxLength:"63" doc:"Only what this user did"`
		App     string    `query:"app" maxLength:"63" doc:"Only what was about this app"`
		Action  string    `query:"action" maxLength:"63" doc:"Only this operation, by its ID in this document"`
		Refused bool      `query:"refused" doc:"Only what was refused, or failed"`
		Since   time.Time `query:"since" doc:"Only from this time on"`
		Until   time.Time `query:"until" doc:"Only before this time"`
		Oldest  bool      `query:"oldest" doc:"Oldest first"`
		Limit   int       `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"How many to answer at most"`
		Before  string    `query:"before" maxLength:"64" doc:"Only entries with a lower ID"`
		After   string    `query:"after" maxLength:"64" doc:"Only entries with a higher ID"`
	},
	) (*output, error) {
		f := store.AuditFilter{
			Username: in.User, App: in.App, Action: in.Action, Refused: in.Refused,
			Before: in.Before, After: in.After, Oldest: in.Oldest, Limit: in.Limit + 1,
		}
		for _, bound := range []struct {
			name string
			at   time.Time
			set  func(id string)
		}{
			{"query.since", in.Since, func(id string) { f.After = max(f.After, id) }},
			{"query.until", in.Until, func(id string) {
				if f.Before == "" || id < f.Before {
					f.Before = id
				}
			}},
		} {
			if bound.at.IsZero() {
				continue
			}
			if y := bound.at.Year(); y < 1970 || y > 9999 {
				return nil, api.Invalid(bound.name, "must be a time from 1970 on", nil)
			}
			bound.set(store.FirstID(bound.at))
		}
		rows, err := st.ListAudit(ctx, f)
		if err != nil {
			return nil, err
		}
		return &output{Body: api.Cut(rows, in.Limit, func(e store.AuditEntry) string { return e.ID }, of)}, nil
	})
}
