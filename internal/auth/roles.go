package auth

import (
	"slices"

	"github.com/picloud/picloud/internal/store"
)

// Action is something that needs a permission.
type Action string

// The actions. permissions says who may do which.
const (
	Anyone Action = "anyone" // what needs no signing in

	ViewSelf    Action = "self.view"
	OwnSessions Action = "self.sessions"
	SetPassword Action = "self.password"
	OwnKeys     Action = "self.keys"

	ViewUsers      Action = "users.view"
	ManageUsers    Action = "users.manage"
	ManageOwners   Action = "owners.manage"
	ManageKeys     Action = "keys.manage"
	ManageSessions Action = "sessions.manage"
	ViewAudit      Action = "audit.view"

	ListApps  Action = "apps.list"
	CreateApp Action = "apps.create"

	ViewApp        Action = "app.view"
	OpenNetworks   Action = "app.networks"
	ManageApp      Action = "app.manage"
	ViewMembers    Action = "members.view"
	ManageMembers  Action = "members.manage"
	ViewScripts    Action = "scripts.view"
	ChangeScripts  Action = "scripts.change"
	InvokeScripts  Action = "scripts.invoke"
	ViewExecutions Action = "executions.view"
	ViewData       Action = "data.view"
	ChangeData     Action = "data.change"

	ChangeVariables Action = "variables.change"
	ViewSecrets     Action = "secrets.view"
	ChangeSecrets   Action = "secrets.change"
)

// Permission is a row of the table of who may do what.
type Permission struct {
	Action Action
	Does   string // in words
	// Instance roles that may, whatever they are in the app.
	Instance []store.Role
	// App is the least role in the app that may, too; empty: it is not about an app.
	App store.AppRole
	// Scope is what an API key needs for it, beside its owner's right; empty: no
	// key may. AnyScope: every key may.
	Scope store.Scope
}

// AnyScope stands for all scopes in a Permission.
const AnyScope store.Scope = "any"

var (
	everyone = []store.Role{store.RoleOwner, store.RoleAdmin, store.RoleMember}
	admins   = []store.Role{store.RoleOwner, store.RoleAdmin}
	owners   = []store.Role{store.RoleOwner}
)

// permissions is the whole table. What is not in it is refused.
var permissions = []Permission{
	{Anyone, "ask for the version, sign in, use the set-up link: no signing in is needed", everyone, "", AnyScope},

	{ViewSelf, "see who one is", everyone, "", AnyScope},
	{OwnSessions, "list and end one's own sessions", everyone, "", ""},
	{SetPassword, "change one's own password", everyone, "", ""},
	{OwnKeys, "mint, list and end one's own API keys", everyone, "", ""},

	{ViewUsers, "list and see users", admins, "", store.ScopeAdmin},
	{ManageUsers, "create, change and remove users that are no owners", admins, "", store.ScopeAdmin},
	{ManageOwners, "create, change and remove owners", owners, "", ""},
	{ManageKeys, "list and end API keys of others", admins, "", ""},
	{ManageSessions, "list and end sessions of others", admins, "", ""},
	{ViewAudit, "read the audit log", admins, "", store.ScopeAdmin},

	{ListApps, "list the apps that one may see", everyone, "", store.ScopeRead},
	{CreateApp, "create apps", admins, "", store.ScopeAdmin},

	{ViewApp, "see an app, its settings and deployments", admins, store.AppViewer, store.ScopeRead},
	{ManageApp, "rename an app, change its settings, delete it", admins, store.AppAdmin, store.ScopeAdmin},
	{OpenNetworks, "open networks that are not public to an app's HTTP calls", admins, "", store.ScopeAdmin},
	{ViewMembers, "see an app's members", admins, store.AppViewer, store.ScopeRead},
	{ManageMembers, "add, change and remove an app's members", admins, store.AppAdmin, store.ScopeAdmin},
	{ViewScripts, "see an app's scripts, versions and sources", admins, store.AppViewer, store.ScopeRead},
	{ChangeScripts, "deploy, activate and delete scripts", admins, store.AppEditor, store.ScopeDeploy},
	{InvokeScripts, "call an app's endpoints that ask for an API key", admins, store.AppEditor, store.ScopeInvoke},
	{ViewExecutions, "see an app's executions and logs", admins, store.AppViewer, store.ScopeRead},
	{ViewData, "read what an app's scripts keep", admins, store.AppEditor, store.ScopeRead},
	{ChangeData, "change what an app's scripts keep", admins, store.AppEditor, store.ScopeDeploy},
	{ChangeVariables, "change an app's variables", admins, store.AppEditor, store.ScopeDeploy},
	{ViewSecrets, "see the names of an app's secrets", admins, store.AppEditor, store.ScopeRead},
	{ChangeSecrets, "set and delete an app's secrets", admins, store.AppEditor, store.ScopeDeploy},
}

// Permissions returns the table.
func Permissions() []Permission { return slices.Clone(permissions) }

// PermissionFor returns an action's row, and whether there is one.
func PermissionFor(a Action) (Permission, bool) {
	for _, p := range permissions {
		if p.Action == a {
			return p, true
		}
	}
	return Permission{}, false
}

// appRoles are the app roles, each including those before it.
var appRoles = []store.AppRole{store.AppViewer, store.AppEditor, store.AppAdmin}

// May reports whether somebody with the given roles may do a. inApp is empty
// for who is no member, and when the action is not about an app.
func May(role store.Role, inApp store.AppRole, a Action) bool {
	p, ok := PermissionFor(a)
	if !ok {
		return false
	}
	if slices.Contains(p.Instance, role) {
		return true
	}
	return p.App != "" && slices.Index(appRoles, inApp) >= slices.Index(appRoles, p.App)
}

// included says which scopes each scope brings with it.
var included = map[store.Scope][]store.Scope{
	store.ScopeRead:   {store.ScopeRead},
	store.ScopeDeploy: {store.ScopeDeploy, store.ScopeRead},
	store.ScopeInvoke: {store.ScopeInvoke},
	store.ScopeAdmin:  {store.ScopeAdmin, store.ScopeDeploy, store.ScopeRead, store.ScopeInvoke},
}

// Allows reports whether a key with the given scopes may do a, as far as scopes go.
func Allows(scopes []store.Scope, a Action) bool {
	p, ok := PermissionFor(a)
	if !ok || p.Scope == "" {
		return false
	}
	if p.Scope == AnyScope {
		return true
	}
	return slices.ContainsFunc(scopes, func(s store.Scope) bool { return slices.Contains(included[s], p.Scope) })
}
