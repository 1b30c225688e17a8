"""What Alembic runs: migrate on the connection that `upgrade` holds."""

from alembic import context

from receiver.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
