"""Events as news names them: when they are, how sure, which (`event`), and where (`venue`)."""
