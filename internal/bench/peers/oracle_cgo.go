//go:build oracle && cgo

package main

import (
	"maps"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/chronoretrace/chronomon/internal/sqltext"
)

func newOracle() (oracle, error) { return pgOracle{}, nil }

// pgOracle reads the parse trees of PostgreSQL's own parser.
type pgOracle struct{}

func (pgOracle) split(script string) []string {
	list, err := pg.SplitWithScanner(script, true)
	if err != nil {
		return nil
	}
	return list
}

func (pgOracle) judge(sql string) (typ, table string, ok bool) {
	tree, err := pg.Parse(sql)
	if err != nil || len(tree.GetStmts()) != 1 {
		return "", "", false
	}
	n := tree.GetStmts()[0].GetStmt()
	return typeOf(n), tableOf(n), true
}

// kind is the name of what a node holds, such as SelectStmt.
func kind(n *pg.Node) string {
	m := n.ProtoReflect()
	if f := m.WhichOneof(m.Descriptor().Oneofs().ByName("node")); f != nil {
		return string(f.Message().Name())
	}
	return ""
}

// verbs are of the nodes whose names do not begin with their verb.
var verbs = map[string]string{
	"TransactionStmt": sqltext.Tx,
	"IndexStmt":       "CREATE", "ViewStmt": "CREATE", "RuleStmt": "CREATE", "DefineStmt": "CREATE", "CompositeTypeStmt": "CREATE",
	"CreatedbStmt": "CREATE", "DropdbStmt": "DROP", "RenameStmt": "ALTER", "RefreshMatViewStmt": "REFRESH", "ClosePortalStmt": "CLOSE", "VariableShowStmt": "SHOW",
	"ConstraintsSetStmt": "SET", "SecLabelStmt": "SECURITY", "CheckPointStmt": "CHECKPOINT",
}

func either(yes bool, a, b string) string {
	if yes {
		return a
	}
	return b
}

func typeOf(n *pg.Node) string {
	name := kind(n)
	switch name {
	case "GrantStmt":
		return either(n.GetGrantStmt().GetIsGrant(), "GRANT", "REVOKE")
	case "GrantRoleStmt":
		return either(n.GetGrantRoleStmt().GetIsGrant(), "GRANT", "REVOKE")
	case "VacuumStmt":
		return either(n.GetVacuumStmt().GetIsVacuumcmd(), "VACUUM", "ANALYZE")
	case "FetchStmt":
		return either(n.GetFetchStmt().GetIsmove(), "MOVE", "FETCH")
	case "VariableSetStmt":
		k := n.GetVariableSetStmt().GetKind()
		return either(k == pg.VariableSetKind_VAR_RESET || k == pg.VariableSetKind_VAR_RESET_ALL, "RESET", "SET")
	case "CreateTableAsStmt":
		return either(n.GetCreateTableAsStmt().GetIsSelectInto(), "SELECT", "CREATE")
	}
	if verb := verbs[name]; verb != "" {
		return verb
	}
	// The verb is the name's first word.
	name = strings.TrimSuffix(name, "Stmt")
	end := strings.IndexFunc(name[min(1, len(name)):], func(r rune) bool { return r >= 'A' && r <= 'Z' })
	if end >= 0 {
		name = name[:end+1]
	}
	return strings.ToUpper(name)
}

func nameOf(r *pg.RangeVar) string {
	if r == nil || r.GetSchemaname() == "" {
		return r.GetRelname()
	}
	return r.GetSchemaname() + "." + r.GetRelname()
}

// joined is a dotted name given as a list, at most schema and table.
func joined(list []*pg.Node) string {
	var words []string
	for _, n := range list {
		if s := n.GetString_(); s != nil {
			words = append(words, s.GetSval())
		}
	}
	return strings.Join(words[max(0, len(words)-2):], ".")
}

// isTable says of which objects the name is a table's.
func isTable(t pg.ObjectType) bool {
	switch t {
	case pg.ObjectType_OBJECT_TABLE, pg.ObjectType_OBJECT_VIEW, pg.ObjectType_OBJECT_MATVIEW, pg.ObjectType_OBJECT_FOREIGN_TABLE:
		return true
	}
	return false
}

// isPart says of which objects the name is a table's and one more word.
func isPart(t pg.ObjectType) bool {
	switch t {
	case pg.ObjectType_OBJECT_TRIGGER, pg.ObjectType_OBJECT_POLICY, pg.ObjectType_OBJECT_RULE, pg.ObjectType_OBJECT_COLUMN, pg.ObjectType_OBJECT_TABCONSTRAINT:
		return true
	}
	return false
}

// object is the table of a named object.
func object(t pg.ObjectType, list []*pg.Node) string {
	switch {
	case isTable(t):
		return joined(list)
	case isPart(t) && len(list) > 1:
		return joined(list[:len(list)-1])
	}
	return ""
}

func first(list []*pg.Node) *pg.Node {
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

func tableOf(n *pg.Node) string {
	switch s := n.GetNode().(type) {
	case *pg.Node_ExplainStmt:
		return tableOf(s.ExplainStmt.GetQuery())
	case *pg.Node_PrepareStmt:
		return tableOf(s.PrepareStmt.GetQuery())
	case *pg.Node_DeclareCursorStmt:
		return tableOf(s.DeclareCursorStmt.GetQuery())
	case *pg.Node_CopyStmt:
		if r := s.CopyStmt.GetRelation(); r != nil {
			return nameOf(r)
		}
		return tableOf(s.CopyStmt.GetQuery())
	case *pg.Node_CreateStmt:
		return nameOf(s.CreateStmt.GetRelation())
	case *pg.Node_CreateForeignTableStmt:
		return nameOf(s.CreateForeignTableStmt.GetBaseStmt().GetRelation())
	case *pg.Node_CreateTableAsStmt:
		return nameOf(s.CreateTableAsStmt.GetInto().GetRel())
	case *pg.Node_ViewStmt:
		return nameOf(s.ViewStmt.GetView())
	case *pg.Node_IndexStmt:
		return nameOf(s.IndexStmt.GetRelation())
	case *pg.Node_CreateTrigStmt:
		return nameOf(s.CreateTrigStmt.GetRelation())
	case *pg.Node_CreatePolicyStmt:
		return nameOf(s.CreatePolicyStmt.GetTable())
	case *pg.Node_AlterPolicyStmt:
		return nameOf(s.AlterPolicyStmt.GetTable())
	case *pg.Node_RuleStmt:
		return nameOf(s.RuleStmt.GetRelation())
	case *pg.Node_AlterTableStmt:
		if isTable(s.AlterTableStmt.GetObjtype()) {
			return nameOf(s.AlterTableStmt.GetRelation())
		}
	case *pg.Node_AlterObjectSchemaStmt:
		if isTable(s.AlterObjectSchemaStmt.GetObjectType()) {
			return nameOf(s.AlterObjectSchemaStmt.GetRelation())
		}
	case *pg.Node_RenameStmt:
		r := s.RenameStmt
		if t := r.GetRenameType(); isTable(t) || isPart(t) && (t != pg.ObjectType_OBJECT_COLUMN || isTable(r.GetRelationType())) {
			return nameOf(r.GetRelation())
		}
	case *pg.Node_DropStmt:
		return object(s.DropStmt.GetRemoveType(), first(s.DropStmt.GetObjects()).GetList().GetItems())
	case *pg.Node_CommentStmt:
		return object(s.CommentStmt.GetObjtype(), s.CommentStmt.GetObject().GetList().GetItems())
	case *pg.Node_TruncateStmt:
		return nameOf(first(s.TruncateStmt.GetRelations()).GetRangeVar())
	case *pg.Node_GrantStmt:
		if s.GrantStmt.GetTargtype() == pg.GrantTargetType_ACL_TARGET_OBJECT && isTable(s.GrantStmt.GetObjtype()) {
			return nameOf(first(s.GrantStmt.GetObjects()).GetRangeVar())
		}
	case *pg.Node_VacuumStmt:
		return nameOf(first(s.VacuumStmt.GetRels()).GetVacuumRelation().GetRelation())
	case *pg.Node_ReindexStmt:
		if s.ReindexStmt.GetKind() == pg.ReindexObjectType_REINDEX_OBJECT_TABLE {
			return nameOf(s.ReindexStmt.GetRelation())
		}
	case *pg.Node_ClusterStmt:
		return nameOf(s.ClusterStmt.GetRelation())
	case *pg.Node_RefreshMatViewStmt:
		return nameOf(s.RefreshMatViewStmt.GetRelation())
	case *pg.Node_LockStmt:
		return nameOf(first(s.LockStmt.GetRelations()).GetRangeVar())
	default:
		return queryTable(n, nil)
	}
	return ""
}

// scope is the common table expressions that a query sees.
type scope map[string]*pg.CommonTableExpr

func (s scope) with(c *pg.WithClause) scope {
	if c == nil {
		return s
	}
	inner := maps.Clone(s)
	if inner == nil {
		inner = make(scope)
	}
	for _, n := range c.GetCtes() {
		inner[n.GetCommonTableExpr().GetCtename()] = n.GetCommonTableExpr()
	}
	return inner
}

// queryTable is the main table of a statement that reads or writes rows.
func queryTable(n *pg.Node, s scope) string {
	switch q := n.GetNode().(type) {
	case *pg.Node_InsertStmt:
		return nameOf(q.InsertStmt.GetRelation())
	case *pg.Node_UpdateStmt:
		return nameOf(q.UpdateStmt.GetRelation())
	case *pg.Node_DeleteStmt:
		return nameOf(q.DeleteStmt.GetRelation())
	case *pg.Node_MergeStmt:
		return nameOf(q.MergeStmt.GetRelation())
	case *pg.Node_SelectStmt:
		return selectTable(q.SelectStmt, s)
	}
	return ""
}

func selectTable(q *pg.SelectStmt, s scope) string {
	var later []func() string
	if name := read(q, s, &later); name != "" {
		return name
	}
	for _, f := range later {
		if name := f(); name != "" {
			return name
		}
	}
	inner := s.with(q.GetWithClause())
	if name := anyTable(q.ProtoReflect(), inner, q.GetIntoClause()); name != "" {
		return name
	}
	return nameOf(q.GetIntoClause().GetRel())
}

// read is the first table of the FROM clause and the queries in it. What the
// common table expressions named there read is for later.
func read(q *pg.SelectStmt, s scope, later *[]func() string) string {
	if q == nil {
		return ""
	}
	s = s.with(q.GetWithClause())
	for _, side := range []*pg.SelectStmt{q.GetLarg(), q.GetRarg()} {
		if name := read(side, s, later); name != "" {
			return name
		}
	}
	for _, n := range q.GetFromClause() {
		if name := readItem(n, s, later); name != "" {
			return name
		}
	}
	return ""
}

func readItem(n *pg.Node, s scope, later *[]func() string) string {
	switch item := n.GetNode().(type) {
	case *pg.Node_RangeVar:
		r := item.RangeVar
		cte := s[r.GetRelname()]
		if cte == nil || r.GetSchemaname() != "" {
			return nameOf(r)
		}
		outer := maps.Clone(s)
		outer[r.GetRelname()] = &pg.CommonTableExpr{} // it may name itself
		*later = append(*later, func() string { return queryTable(cte.GetCtequery(), outer) })
	case *pg.Node_JoinExpr:
		if name := readItem(item.JoinExpr.GetLarg(), s, later); name != "" {
			return name
		}
		return readItem(item.JoinExpr.GetRarg(), s, later)
	case *pg.Node_RangeSubselect:
		return read(item.RangeSubselect.GetSubquery().GetSelectStmt(), s, later)
	case *pg.Node_RangeTableSample:
		return readItem(item.RangeTableSample.GetRelation(), s, later)
	}
	return ""
}

// anyTable is the first table anywhere in the tree, but for one clause.
func anyTable(m protoreflect.Message, s scope, but *pg.IntoClause) string {
	switch v := m.Interface().(type) {
	case *pg.IntoClause:
		if v == but {
			return ""
		}
	case *pg.RangeVar:
		if s[v.GetRelname()] == nil || v.GetSchemaname() != "" {
			return nameOf(v)
		}
		return ""
	case *pg.SelectStmt:
		s = s.with(v.GetWithClause())
	}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if f.Kind() != protoreflect.MessageKind || !m.Has(f) {
			continue
		}
		if !f.IsList() {
			if name := anyTable(m.Get(f).Message(), s, but); name != "" {
				return name
			}
			continue
		}
		for list, at := m.Get(f).List(), 0; at < list.Len(); at++ {
			if name := anyTable(list.Get(at).Message(), s, but); name != "" {
				return name
			}
		}
	}
	return ""
}
