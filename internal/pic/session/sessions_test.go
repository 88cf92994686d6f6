package session

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/picloud/picloud/client"
	"github.com/picloud/picloud/internal/pic/output"
)

// A terminal of 80 columns shows sessions without breaking lines.
func TestSessionsFitATerminal(t *testing.T) {
	when := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	list := []client.UserSession{
		{ID: "0190a000-0000-7000-8000-000000000001", Username: "zoe", Client: "browser", Current: true, CreatedAt: when, LastUsedAt: when, Address: "192.0.2.7", UserAgent: "Mozilla/5.0"},
		{
			ID: "0190a000-0000-7000-8000-000000000002", Username: strings.Repeat("longname", 6), Client: "cli", CreatedAt: when, LastUsedAt: when,
			Address: "2001:db8:1234:5678:9abc:def0:1234:5678", UserAgent: strings.Repeat("agent ", 40),
		},
	}
	var table, tsv strings.Builder
	if err := output.List(&output.Writer{W: &table, Format: output.Table, Width: 80}, list, columns); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(table.String()) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	if !strings.Contains(table.String(), "browser from 192.0.2.7 since 2026-03-01T12:00:00Z, this one: Mozilla/5.0\n") {
		t.Errorf("the table:\n%s", table.String())
	}
	if err := output.List(&output.Writer{W: &tsv, Format: output.TSV}, list, columns); err != nil {
		t.Fatal(err)
	}
	if head, _, _ := strings.Cut(tsv.String(), "\n"); head != "id\tusername\tclient\tcurrent\tcreated_at\tlast_used_at\texpires_at\taddress\tuser_agent" {
		t.Errorf("the header is %q", head)
	}
}
