"""Files: safetensors."""
