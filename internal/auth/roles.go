package auth

import "github.com/picloud/picloud/internal/store"

// AppRole is what a user is in one app.
type AppRole int

// The app roles, each including those before it.
const (
	AppNone AppRole = iota
	AppViewer
	AppEditor
	AppAdmin
)

// Action is something that needs a permission.
type Action string

// The actions. Those on an app need a role in it; the others a role on the instance.
const (
	OwnSession Action = "session.own" // see and end one's own session

	ListApps  Action = "apps.list" // one sees those one may view
	CreateApp Action = "apps.create"

	ViewApp        Action = "app.view"
	ManageApp      Action = "app.manage" // rename, settings, delete
	ViewScripts    Action = "scripts.view"
	ChangeScripts  Action = "scripts.change"
	ViewExecutions Action = "executions.view"
)

// permission says who may do something.
type permission struct {
	instance []store.Role // these may, whatever they are in the app
	app      AppRole      // and so may those with at least this role in the app; AppNone: it is not about an app
}

var (
	everyone = []store.Role{store.RoleOwner, store.RoleAdmin, store.RoleMember}
	admins   = []store.Role{store.RoleOwner, store.RoleAdmin}
)

// permissions is the whole table. What is not in it is refused.
var permissions = map[Action]permission{
	OwnSession: {instance: everyone},

	ListApps:  {instance: everyone},
	CreateApp: {instance: admins},

	ViewApp:        {instance: admins, app: AppViewer},
	ManageApp:      {instance: admins, app: AppAdmin},
	ViewScripts:    {instance: admins, app: AppViewer},
	ChangeScripts:  {instance: admins, app: AppEditor},
	ViewExecutions: {instance: admins, app: AppViewer},
}

// May reports whether somebody with the given roles may do a. The app's role
// is AppNone when the action is not about an app.
func May(role store.Role, inApp AppRole, a Action) bool {
	p, ok := permissions[a]
	if !ok {
		return false
	}
	for _, r := range p.instance {
		if r == role {
			return true
		}
	}
	return p.app != AppNone && inApp >= p.app
}
