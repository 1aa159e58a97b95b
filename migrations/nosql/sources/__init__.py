"""Where documents come from: a dump, a folder, or a running RethinkDB, behind one seam (`source.Source`)."""
